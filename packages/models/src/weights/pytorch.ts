/**
 * PyTorch checkpoints, the zip format (torch >= 1.6) and the legacy stream before it, as files of named tensors. The
 * pickle goes through the allow-list unpickler; storages are read one by one when a tensor in them is asked for.
 */
import { RevatError } from '@revat/core';
import type { ByteSource } from './byte-source.js';
import { bytesPerElement } from './dtype.js';
import { PickleError, type StoredStorage, type StoredTensor } from './pickle-value.js';
import type { PyTorchContainer } from './pytorch-container.js';
import { openLegacyContainer } from './pytorch-legacy.js';
import { openZipContainer } from './pytorch-zip.js';
import { chooseSection, findSections, type SectionChoice } from './state-dict.js';
import { checkView, readView, type StridedView } from './strided-view.js';
import type { TensorFile } from './tensor-file.js';

export interface PyTorchOptions extends SectionChoice {
  /**
   * Full names of further Python classes to read as objects without content, e.g. 'omegaconf.dictconfig.DictConfig',
   * where a checkpoint carries them beside its weights. Nothing of them is run.
   */
  readonly opaqueClasses?: readonly string[];
}

/** Tensors that are no plain run of their storage are copied; all copies together may exceed the file by this much. */
const COPY_FACTOR = 16;
const COPY_ALLOWANCE = 64 * 2 ** 20;

interface Stored {
  readonly view: StridedView;
  readonly storage: StoredStorage;
}

/** Opens a .pt or .pth file; it owns `source` from here on. Throws 'invalid-file', or 'invalid-argument' for the choice. */
export async function openPyTorch(
  source: ByteSource,
  format: 'zip' | 'legacy',
  options: PyTorchOptions = {},
): Promise<TensorFile> {
  try {
    const open = format === 'zip' ? openZipContainer : openLegacyContainer;
    const container = await open(source, new Set(options.opaqueClasses));
    const sections = findSections(container.root);
    const section = chooseSection(sections, options, source.name);
    const stored = checkTensors(section.tensors, source);
    return {
      name: source.name,
      section: section.path,
      sections: sections.map(({ path }) => path),
      metadata: {},
      normalization: source.normalization,
      tensors: new Map(
        [...stored].map(([name, { view }]) => [name, { dtype: view.dtype, shape: view.shape }]),
      ),
      read: storageReader(container, stored, source.name),
      async verify(names) {
        for (const name of names) {
          const tensor = stored.get(name);
          if (tensor !== undefined) await container.verifyStorage(tensor.storage, storageWidth(tensor));
        }
      },
      close: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

function checkTensors(tensors: ReadonlyMap<string, StoredTensor>, source: ByteSource): Map<string, Stored> {
  const stored = new Map<string, Stored>();
  const limit = COPY_FACTOR * source.size + COPY_ALLOWANCE;
  let copied = 0;
  for (const [name, tensor] of tensors) {
    const where = `${source.name}: tensor ${JSON.stringify(name)}`;
    const view = viewOrFail(tensor, where);
    if (!view.contiguous) copied += view.count * bytesPerElement(view.dtype);
    if (copied > limit) {
      throw new RevatError(
        'invalid-file',
        `${where} is too large: its view of shape [${view.shape}] repeats a small storage.`,
      );
    }
    stored.set(name, { view, storage: tensor.storage });
  }
  return stored;
}

function viewOrFail(tensor: StoredTensor, where: string): StridedView {
  try {
    return checkView(tensor);
  } catch (cause) {
    if (!(cause instanceof PickleError)) throw cause;
    throw new RevatError('invalid-file', `${where} ${cause.message}. ${cause.advice}.`, { cause });
  }
}

/** Reads tensors; a storage is kept in memory only while tensors that share it are still to be read. */
function storageReader(
  container: PyTorchContainer,
  stored: ReadonlyMap<string, Stored>,
  file: string,
): TensorFile['read'] {
  const waiting = new Map<string, Set<string>>();
  for (const [name, { storage }] of stored) {
    waiting.set(storage.key, (waiting.get(storage.key) ?? new Set()).add(name));
  }
  const kept = new Map<string, Uint8Array>();
  return async (name, reuse) => {
    const tensor = stored.get(name);
    if (tensor === undefined) {
      throw new RevatError('not-found', `${file}: holds no tensor named ${JSON.stringify(name)}.`);
    }
    const { view, storage } = tensor;
    const others = waiting.get(storage.key);
    others?.delete(name);
    const shared = others !== undefined && others.size > 0;
    const bytes =
      kept.get(storage.key) ??
      (await container.readStorage(storage, storageWidth(tensor), shared ? undefined : reuse));
    if (shared) kept.set(storage.key, bytes);
    else kept.delete(storage.key);
    return readView(view, bytes);
  };
}

/** Bytes of one element of a storage, in which its length is counted. */
function storageWidth({ storage, view }: Stored): number {
  return storage.dtype === 'untyped' ? 1 : bytesPerElement(view.dtype);
}
