import { RevatError } from '@revat/core';
import { listFolder, openFile, preprocessingBeside } from '#files';
import { openHub, openUrl } from '#remote';
import { blobSource, bufferSource, type ByteSource } from './byte-source.js';
import { chooseWeightFile, isHubReference } from './hub-reference.js';
import type { RemoteOptions } from './remote-options.js';

/** Where weights come from: a path or folder (Node), a URL, `hf:owner/name`, or bytes at hand. */
export type WeightSource = string | URL | ArrayBuffer | Uint8Array | Blob | ByteSource;

/** Opens any source for random access; the caller closes it. Throws 'not-found', 'io', 'invalid-file', 'invalid-argument'. */
export async function openSource(source: WeightSource, options: RemoteOptions = {}): Promise<ByteSource> {
  if (typeof source === 'string') return openNamed(source, options);
  if (source instanceof URL) return openUrl(source, options);
  if (source instanceof Uint8Array || source instanceof ArrayBuffer) return bufferSource(source);
  if (source instanceof Blob) return blobSource(source);
  if (typeof source?.readInto === 'function') return source;
  throw new RevatError(
    'invalid-argument',
    'weights: the source must be a path, URL, Blob, ArrayBuffer or Uint8Array.',
  );
}

async function openNamed(source: string, options: RemoteOptions): Promise<ByteSource> {
  if (isHubReference(source)) return openHub(source, options);
  if (/^(?:https?|file):/i.test(source) && URL.canParse(source)) return openUrl(new URL(source), options);
  const folder = await listFolder(source);
  if (folder === undefined) return openFile(source);
  const file = `${source}/${chooseWeightFile(folder, source)}`;
  const normalization = await preprocessingBeside(file);
  return { ...(await openFile(file)), normalization };
}
