import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { RevatError } from '@revat/core';
import { openFile, preprocessingBeside } from '#files';
import type { ByteSource } from './byte-source.js';
import { download, fileSha256 } from './download-node.js';
import { hubFile } from './hub-node.js';
import type { RemoteOptions } from './remote-options.js';

/** Opens a file of the Hugging Face hub, through its cache. */
export async function openHub(source: string, options: RemoteOptions): Promise<ByteSource> {
  const file = await hubFile(source, options);
  const normalization = await preprocessingBeside(file);
  return { ...(await openFile(file)), name: source, normalization };
}

/** Opens the file behind a URL: file:, or http(s): through a cache in `cacheDir`, ~/.cache/revat by default. */
export async function openUrl(url: URL, options: RemoteOptions): Promise<ByteSource> {
  if (url.protocol === 'file:') return openFile(fileURLToPath(url));
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new RevatError(
      'invalid-argument',
      `${url.href}: only http, https and file addresses can be loaded.`,
    );
  }
  const target = path.join(options.cacheDir ?? defaultCache(), cacheName(url));
  const sha256 = options.sha256 ?? hashInName(url);
  if (!(await isGood(target, options.sha256))) {
    await download(
      { url: url.href, target, where: url.href, ...(sha256 === undefined ? {} : { sha256 }) },
      options,
    );
  }
  return { ...(await openFile(target)), name: url.href };
}

function defaultCache(): string {
  return path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'revat', 'weights');
}

/** Unlike addresses get unlike names, and the name still tells what it is. */
function cacheName(url: URL): string {
  const hash = createHash('sha256').update(url.href).digest('hex').slice(0, 16);
  const base = path.posix
    .basename(url.pathname)
    .replace(/[^\w.-]/g, '_')
    .slice(-80);
  return `${hash}-${base || 'weights'}`;
}

/** PyTorch's convention: `resnet50-0676ba61.pth` begins its SHA-256 with these digits. */
function hashInName(url: URL): string | undefined {
  return /-([0-9a-f]{8,})\.pth?$/.exec(url.pathname)?.[1];
}

async function isGood(file: string, sha256: string | undefined): Promise<boolean> {
  const there = await stat(file).then(
    () => true,
    () => false,
  );
  return there && (sha256 === undefined || (await fileSha256(file)) === sha256.toLowerCase());
}
