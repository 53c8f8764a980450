import { RevatError } from '@revat/core';
import type { ByteSource } from './byte-source.js';
import { unpickle } from './pickle.js';
import { namingFile, storageTable, type PyTorchContainer } from './pytorch-container.js';
import { openZip, type ZipArchive } from './zip.js';

/** Pickles of real checkpoints hold names and shapes only; even optimiser states stay below a few megabytes. */
const MAX_PICKLE_BYTES = 64 * 2 ** 20;

/** Opens a torch.save archive: `<root>/data.pkl`, and `<root>/data/<key>` for each storage. */
export async function openZipContainer(
  source: ByteSource,
  opaqueClasses: ReadonlySet<string>,
): Promise<PyTorchContainer> {
  const archive = await openZip(source);
  const folder = await findFolder(archive, source.name);
  const size = archive.records.get(`${folder}data.pkl`)?.size ?? 0;
  if (size > MAX_PICKLE_BYTES) {
    throw new RevatError(
      'invalid-file',
      `${source.name}: its pickle has ${size} bytes, above ${MAX_PICKLE_BYTES}.`,
    );
  }
  const pickle = await archive.read(`${folder}data.pkl`);
  const { load } = storageTable();
  const { value } = namingFile(source.name, () => unpickle(pickle, { persistentLoad: load, opaqueClasses }));
  return {
    root: value,
    readStorage: ({ key, length }, bytesPerElement, reuse) =>
      archive.read(`${folder}data/${key}`, length * bytesPerElement, reuse),
    verifyStorage: ({ key, length }, bytesPerElement) =>
      archive.verify(`${folder}data/${key}`, length * bytesPerElement),
  };
}

async function findFolder(archive: ZipArchive, file: string): Promise<string> {
  const names = [...archive.records.keys()];
  const pickle = names.find((name) => name === 'data.pkl' || /^[^/]+\/data\.pkl$/.test(name));
  if (pickle === undefined) {
    throw new RevatError(
      'invalid-file',
      `${file} is a zip archive but no PyTorch checkpoint: it has no data.pkl. It holds ${names.slice(0, 5).join(', ') || 'nothing'}.`,
    );
  }
  const folder = pickle.slice(0, -'data.pkl'.length);
  if (archive.records.has(`${folder}constants.pkl`)) {
    throw new RevatError(
      'invalid-file',
      `${file} is a TorchScript program, not a checkpoint. Save model.state_dict() in PyTorch and load that.`,
    );
  }
  if (archive.records.has(`${folder}byteorder`)) {
    const order = new TextDecoder().decode(await archive.read(`${folder}byteorder`));
    if (order !== 'little')
      throw new RevatError('invalid-file', `${file} stores ${order}-endian values. Save it again.`);
  }
  return folder;
}
