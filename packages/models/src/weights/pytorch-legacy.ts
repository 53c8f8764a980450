import { RevatError } from '@revat/core';
import { readBytes, type ByteSource } from './byte-source.js';
import { bytesPerElement } from './dtype.js';
import { unpickle } from './pickle.js';
import { PickleTruncated, type PickleValue, type StoredStorage } from './pickle-value.js';
import { namingFile, storageTable, type PyTorchContainer } from './pytorch-container.js';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;
const FIRST_WINDOW = 2 ** 20;
const MAX_PICKLE_BYTES = 64 * 2 ** 20;

/**
 * Opens the stream that torch wrote before 1.6: pickles of the magic number, the protocol, facts about the system, the
 * object and the storage keys; then for each key an int64 element count and the raw values.
 */
export async function openLegacyContainer(
  source: ByteSource,
  opaqueClasses: ReadonlySet<string>,
): Promise<PyTorchContainer> {
  const { root, keys, storages, end } = await readPickles(source, opaqueClasses);
  const positions = await locateStorages(source, end, keys, storages);
  return {
    root,
    async readStorage({ key, length }, bytes, reuse) {
      const position = positions.get(key);
      if (position === undefined) {
        throw new RevatError(
          'invalid-file',
          `${source.name} lacks the storage ${JSON.stringify(key)}. Fetch it again.`,
        );
      }
      return readBytes(source, position, length * bytes, reuse);
    },
    async verifyStorage() {},
  };
}

interface Pickles {
  readonly root: PickleValue;
  readonly keys: PickleValue;
  readonly storages: ReadonlyMap<string, StoredStorage>;
  readonly end: number;
}

/** Where the pickles end is known only once they are read: tries a window of the file, then larger ones. */
async function readPickles(source: ByteSource, opaqueClasses: ReadonlySet<string>): Promise<Pickles> {
  const limit = Math.min(source.size, MAX_PICKLE_BYTES);
  for (let length = Math.min(FIRST_WINDOW, limit); ; length = Math.min(4 * length, limit)) {
    const window = await readBytes(source, 0, length);
    try {
      return parsePickles(window, source.name, opaqueClasses);
    } catch (error) {
      const truncated = error instanceof RevatError && error.cause instanceof PickleTruncated;
      if (!truncated || length === limit) throw error;
    }
  }
}

function parsePickles(window: Uint8Array, file: string, opaqueClasses: ReadonlySet<string>): Pickles {
  return namingFile(file, () => {
    const magic = unpickle(window, { opaqueClasses });
    if (magic.value !== MAGIC) {
      throw new RevatError(
        'invalid-file',
        `${file} is a pickle but no PyTorch checkpoint. Save it with torch.save.`,
      );
    }
    const protocol = unpickle(window, { start: magic.end });
    if (protocol.value !== PROTOCOL) {
      throw new RevatError(
        'invalid-file',
        `${file} uses an unknown legacy protocol, not ${PROTOCOL}. Save it with a newer PyTorch.`,
      );
    }
    const system = unpickle(window, { start: protocol.end });
    if (system.value instanceof Map && system.value.get('little_endian') === false) {
      throw new RevatError(
        'invalid-file',
        `${file} stores big-endian values. Save it again on a common machine.`,
      );
    }
    const { storages, load } = storageTable();
    const object = unpickle(window, { start: system.end, persistentLoad: load, opaqueClasses });
    const keys = unpickle(window, { start: object.end });
    return { root: object.value, keys: keys.value, storages, end: keys.end };
  });
}

/** Walks over the storages, whose lengths are known, and notes where the values of each begin. */
async function locateStorages(
  source: ByteSource,
  start: number,
  keys: PickleValue,
  storages: ReadonlyMap<string, StoredStorage>,
): Promise<Map<string, number>> {
  const positions = new Map<string, number>();
  let at = start;
  for (const key of Array.isArray(keys) ? keys : []) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    const where = `${source.name}: storage ${typeof key === 'string' ? JSON.stringify(key) : 'without a key'}`;
    if (storage === undefined || storage.dtype === 'untyped') {
      throw new RevatError('invalid-file', `${where} is listed but used by no tensor. The file is damaged.`);
    }
    const count = new DataView((await readBytes(source, at, 8)).buffer).getBigInt64(0, true);
    if (count !== BigInt(storage.length)) {
      throw new RevatError(
        'invalid-file',
        `${where} has ${count} values where ${storage.length} are declared.`,
      );
    }
    positions.set(storage.key, at + 8);
    at += 8 + storage.length * bytesPerElement(storage.dtype);
  }
  if (at > source.size) {
    throw new RevatError(
      'invalid-file',
      `${source.name} is cut short: it has ${source.size} of ${at} bytes. Fetch it again.`,
    );
  }
  return positions;
}
