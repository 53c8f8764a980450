import { RevatError } from '@revat/core';
import type { ChannelStatistics } from '../normalization.js';

/** Random access to the bytes of one file, wherever it lies. Nothing is read before it is asked for. */
export interface ByteSource {
  /** How messages name it: a path, a URL. */
  readonly name: string;
  /** Length in bytes. */
  readonly size: number;
  /** Mean and standard deviation that a config.json beside the file names, if there is one. */
  readonly normalization?: ChannelStatistics;
  /** Fills `into` with the bytes from `offset` on. Throws 'invalid-file' if the source ends before. */
  readInto(into: Uint8Array, offset: number): Promise<void>;
  close(): Promise<void>;
}

/** Bytes in memory as a source; they are read in place, so they must not change meanwhile. */
export function bufferSource(data: ArrayBuffer | Uint8Array, name = 'buffer'): ByteSource {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  return checkedSource(name, bytes.byteLength, async (into, offset) => {
    into.set(bytes.subarray(offset, offset + into.byteLength));
  });
}

/** A browser's File or Blob as a source; slices are fetched as they are asked for. */
export function blobSource(blob: Blob, name = 'blob'): ByteSource {
  return checkedSource(name, blob.size, async (into, offset) => {
    into.set(new Uint8Array(await blob.slice(offset, offset + into.byteLength).arrayBuffer()));
  });
}

function checkedSource(name: string, size: number, readInto: ByteSource['readInto']): ByteSource {
  return {
    name,
    size,
    async readInto(into, offset) {
      checkRange({ name, size }, offset, into.byteLength);
      await readInto(into, offset);
    },
    async close() {},
  };
}

/** Memory that is used again and again, so that reading many tensors leaves no garbage behind. */
export class ReusableBuffer {
  private bytes: Uint8Array;

  /** `capacity`: bytes that will be asked for at most; it grows if that was too little. */
  constructor(capacity = 0) {
    this.bytes = new Uint8Array(capacity);
  }

  /** `length` bytes that are valid until the next call. */
  take(length: number): Uint8Array {
    if (this.bytes.byteLength < length) this.bytes = new Uint8Array(length);
    return this.bytes.subarray(0, length);
  }

  /** Whether an array lies in this memory, and so will be overwritten. */
  holds(array: ArrayBufferView): boolean {
    return array.buffer === this.bytes.buffer;
  }
}

/**
 * `length` bytes from `offset` on, in memory of their own or in `reuse`; checked against the size before anything is
 * allocated.
 */
export async function readBytes(
  source: ByteSource,
  offset: number,
  length: number,
  reuse?: ReusableBuffer,
): Promise<Uint8Array> {
  checkRange(source, offset, length);
  const bytes = reuse?.take(length) ?? new Uint8Array(length);
  await source.readInto(bytes, offset);
  return bytes;
}

/** Throws 'invalid-file' unless [offset, offset + length) lies inside the source. */
export function checkRange(source: Pick<ByteSource, 'name' | 'size'>, offset: number, length: number): void {
  const inside = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (inside && offset + length <= source.size) return;
  throw new RevatError(
    'invalid-file',
    `${source.name}: wants bytes ${offset} to ${offset + length} of a file of ${source.size} bytes. The file is cut short or damaged; fetch it again.`,
  );
}
