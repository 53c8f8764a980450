import { RevatError } from '@revat/core';
import { openFile } from '#files';
import { blobSource, bufferSource, type ByteSource } from './byte-source.js';

/** Where weights come from: a path (Node), a URL, `hf:owner/name`, or bytes at hand. */
export type WeightSource = string | URL | ArrayBuffer | Uint8Array | Blob | ByteSource;

/** Opens any source for random access; the caller closes it. */
export async function openSource(source: WeightSource): Promise<ByteSource> {
  if (typeof source === 'string') return openFile(source);
  if (source instanceof URL) return openFile(source.pathname);
  if (source instanceof Uint8Array || source instanceof ArrayBuffer) return bufferSource(source);
  if (source instanceof Blob) return blobSource(source);
  if (typeof source?.readInto === 'function') return source;
  throw new RevatError(
    'invalid-argument',
    'weights: the source must be a path, URL, Blob, ArrayBuffer or Uint8Array.',
  );
}
