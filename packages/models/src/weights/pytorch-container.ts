import { RevatError } from '@revat/core';
import type { ReusableBuffer } from './byte-source.js';
import { PickleError, StoredStorage, AllowedGlobal, type PickleValue } from './pickle-value.js';

/** An opened .pt file of either format: the unpickled object, and access to the bytes of its storages. */
export interface PyTorchContainer {
  /** What was saved. */
  readonly root: PickleValue;
  /** All bytes of a storage; checked to be exactly as many as the pickle declares; in `reuse` where given. */
  readStorage(storage: StoredStorage, bytesPerElement: number, reuse?: ReusableBuffer): Promise<Uint8Array>;
  /** Compares a storage with its checksum, where the format has one. */
  verifyStorage(storage: StoredStorage, bytesPerElement: number): Promise<void>;
}

/** Turns the persistent ids of a pickle into storages: ('storage', type, key, device, length[, view]). */
export function storageTable(): {
  storages: Map<string, StoredStorage>;
  load: (id: PickleValue) => PickleValue;
} {
  const storages = new Map<string, StoredStorage>();
  return {
    storages,
    load(id) {
      if (!Array.isArray(id) || id[0] !== 'storage') {
        throw new PickleError('refers to data that is not a storage');
      }
      const [, type, key, , length, view] = id;
      const valid =
        type instanceof AllowedGlobal &&
        type.dtype !== undefined &&
        typeof key === 'string' &&
        isLength(length);
      if (!valid) throw new PickleError('describes a storage without a type, key or length');
      const known = storages.get(key);
      if (known !== undefined && (known.dtype !== type.dtype || known.length !== length)) {
        throw new PickleError(`describes the storage ${JSON.stringify(key)} in two ways`);
      }
      const storage = known ?? new StoredStorage(key, type.dtype, length);
      storages.set(key, storage);
      return view === undefined || view === null ? storage : windowOf(storage, view);
    },
  };
}

/** Legacy files may describe a window into a storage: (view key, offset, length). */
function windowOf(storage: StoredStorage, view: PickleValue): StoredStorage {
  const [, start, length] = Array.isArray(view) ? view : [];
  if (!isLength(start) || !isLength(length) || start + length > storage.length) {
    throw new PickleError(`describes a window outside the storage ${JSON.stringify(storage.key)}`);
  }
  return new StoredStorage(storage.key, storage.dtype, storage.length, start);
}

function isLength(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** Runs a reading of a pickle and names the file in what goes wrong. */
export function namingFile<Result>(file: string, read: () => Result): Result {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof PickleError)) throw cause;
    throw new RevatError('invalid-file', `${file} ${cause.message}. ${cause.advice}.`, { cause });
  }
}
