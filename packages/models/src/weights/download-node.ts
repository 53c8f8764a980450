/** Downloads to disk that continue where they broke off, checked before they get their name. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RevatError } from '@revat/core';
import { createFolder, fileError } from './files-node.js';
import { checkAnswer, isPassing, networkError, passingError } from './network-error.js';
import { isWebPage } from './web-page.js';
import type { RemoteOptions } from './remote-options.js';

export interface Download {
  readonly url: string;
  /** Where the whole file will lie; what has arrived before lies beside it as `.incomplete`. */
  readonly target: string;
  /** How messages name it. */
  readonly where: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Length in bytes, where it is known beforehand. */
  readonly size?: number;
  /** Whether the content behind the URL cannot change: then a part may be continued without asking. */
  readonly immutable?: boolean;
  /** SHA-256 as 64 hexadecimal digits, or its first digits. */
  readonly sha256?: string;
}

const ATTEMPTS = 4;
const FIRST_PAUSE_MS = 250;

/** Fetches a file; after a broken connection it tries again and continues. Throws 'io', 'invalid-file', 'not-found' or 'aborted'. */
export async function download(request: Download, options: RemoteOptions): Promise<void> {
  const { target, where } = request;
  const partial = `${target}.incomplete`;
  await createFolder(path.dirname(target));
  for (let attempt = 1; ; attempt++) {
    try {
      await fetchRest(request, partial, options);
      break;
    } catch (cause) {
      const error = networkError(cause, request.url, where, options.signal);
      if (attempt === ATTEMPTS || !isPassing(error)) throw error;
      await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1));
    }
  }
  await check(request, partial);
  await rename(partial, target);
  await rm(validatorFile(partial), { force: true });
}

/** SHA-256 of a file as hexadecimal digits. */
export async function fileSha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 20 }))
    hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

async function fetchRest(
  request: Download,
  partial: string,
  { signal, onProgress }: RemoteOptions,
): Promise<void> {
  const have = await sizeOf(partial);
  if (request.size !== undefined && have >= request.size) return;
  const response = await fetch(request.url, {
    headers: { ...request.headers, ...(await rangeHeaders(request, partial, have)) },
    signal: signal ?? null,
  });
  const start = response.status === 206 ? have : 0;
  if (response.status === 416 || (start > 0 && contentStart(response) !== start)) {
    await rm(partial, { force: true });
    throw passingError(`${request.where}: the part on disk does not fit the file any more. Try again.`);
  }
  checkAnswer(response, request.where);
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  const total =
    request.size ??
    (Number.isFinite(length) && !response.headers.has('content-encoding') ? start + length : undefined);
  await writeFile(validatorFile(partial), validatorOf(response));
  const loaded = await writeBody(response, partial, start, (at) => onProgress?.({ loaded: at, total }));
  if (total !== undefined && loaded < total) {
    throw passingError(
      `${request.where}: the connection broke after ${loaded} of ${total} bytes. Try again; it continues there.`,
    );
  }
}

/** Asks for the rest of a part, on condition that the file is still the one it came from. */
async function rangeHeaders(
  request: Download,
  partial: string,
  have: number,
): Promise<Record<string, string>> {
  if (have === 0) return {};
  const range = { Range: `bytes=${have}-` };
  if (request.immutable === true) return range;
  const validator = await readFile(validatorFile(partial), 'utf8').catch(() => '');
  return validator === '' ? {} : { ...range, 'If-Range': validator };
}

function contentStart(response: Response): number {
  return Number(/^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1] ?? Number.NaN);
}

/** A strong ETag, or else the date of the last change. */
function validatorOf(response: Response): string {
  const etag = response.headers.get('etag') ?? '';
  return etag !== '' && !etag.startsWith('W/') ? etag : (response.headers.get('last-modified') ?? '');
}

function validatorFile(partial: string): string {
  return `${partial}.validator`;
}

/** Writes by position: two processes that fetch the same file at once write the same bytes to the same places. */
async function writeBody(
  response: Response,
  partial: string,
  start: number,
  report: (at: number) => void,
): Promise<number> {
  const onDisk = <Result>(work: Promise<Result>): Promise<Result> =>
    work.catch((cause: unknown) => {
      throw fileError(cause, partial, 'write');
    });
  const file = await onDisk(open(partial, start > 0 ? 'r+' : 'w'));
  let at = start;
  try {
    for await (const chunk of response.body ?? []) {
      await onDisk(file.write(chunk, 0, chunk.byteLength, at));
      at += chunk.byteLength;
      report(at);
    }
  } finally {
    await file.close();
  }
  return at;
}

async function check({ where, size, sha256 }: Download, partial: string): Promise<void> {
  const length = await sizeOf(partial);
  if (size !== undefined && length !== size) {
    await rm(partial, { force: true });
    throw new RevatError(
      'invalid-file',
      `${where}: has ${length} bytes where ${size} are announced. Fetch it again.`,
    );
  }
  await refuseWebPage(partial, where);
  if (sha256 === undefined) return;
  const found = await fileSha256(partial);
  if (found.startsWith(sha256.toLowerCase())) return;
  await rm(partial, { force: true });
  throw new RevatError(
    'invalid-file',
    `${where}: its SHA-256 is ${found}, expected ${sha256}. The download was damaged or changed; it was deleted. Try again.`,
  );
}

/** Servers also send error pages without saying that they are pages; such a thing must not enter the cache. */
async function refuseWebPage(partial: string, where: string): Promise<void> {
  const head = new Uint8Array(64);
  const file = await open(partial, 'r');
  await file.read(head, 0, head.byteLength, 0).finally(() => file.close());
  if (!isWebPage(head)) return;
  await rm(partial, { force: true });
  throw new RevatError(
    'invalid-file',
    `${where}: the server sent a web page instead of a file. Give the direct download link.`,
  );
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}
