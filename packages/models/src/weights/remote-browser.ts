import { RevatError } from '@revat/core';
import { blobSource, type ByteSource } from './byte-source.js';
import { parseHubReference, WEIGHT_FILES } from './hub-reference.js';
import { checkAnswer, networkError } from './network-error.js';
import { readPreprocessing } from './preprocessing.js';
import { DEFAULT_HUB_URL, type RemoteOptions } from './remote-options.js';

/** Fetches a file of the Hugging Face hub; without a file name, the repository's model.safetensors. The browser caches it. */
export async function openHub(source: string, options: RemoteOptions): Promise<ByteSource> {
  const { repository, revision, file = WEIGHT_FILES[0] } = parseHubReference(source);
  const folder = `${options.hubUrl ?? DEFAULT_HUB_URL}/${repository}/resolve/${encodeURIComponent(revision)}`;
  const config = await fetch(`${folder}/config.json`, { signal: options.signal ?? null }).then(
    (response) => (response.ok ? response.text() : ''),
    () => '',
  );
  const weights = await fetchWhole(`${folder}/${file}`, source, options);
  return { ...weights, normalization: readPreprocessing(config) };
}

/** Fetches the file behind a URL. */
export async function openUrl(url: URL, options: RemoteOptions): Promise<ByteSource> {
  return fetchWhole(url.href, url.href, options);
}

async function fetchWhole(address: string, where: string, options: RemoteOptions): Promise<ByteSource> {
  const { signal, onProgress, sha256 } = options;
  try {
    const response = await fetch(address, { signal: signal ?? null });
    checkAnswer(response, where);
    const length = Number(response.headers.get('content-length') ?? Number.NaN);
    const total = Number.isFinite(length) && !response.headers.has('content-encoding') ? length : undefined;
    const blob = await collect(response, (loaded) => onProgress?.({ loaded, total }));
    if (sha256 !== undefined) await checkHash(blob, sha256, where);
    return blobSource(blob, where);
  } catch (cause) {
    throw networkError(cause, address, where, signal);
  }
}

async function collect(response: Response, report: (loaded: number) => void): Promise<Blob> {
  const reader = response.body?.getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let loaded = 0;
  for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader?.read()) {
    chunks.push(part.value);
    loaded += part.value.byteLength;
    report(loaded);
  }
  return new Blob(chunks);
}

async function checkHash(blob: Blob, sha256: string, where: string): Promise<void> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (found === sha256.toLowerCase()) return;
  throw new RevatError(
    'invalid-file',
    `${where}: its SHA-256 is ${found}, expected ${sha256}. Fetch it again.`,
  );
}
