/**
 * Weights from the Hugging Face hub, kept in its usual cache (`models--owner--name/{blobs,refs,snapshots}`), which
 * Python's huggingface_hub and timm share: what they downloaded is found here, and the other way round. What the
 * repository holds is asked through @huggingface/hub; the download is ours, because it continues and is checked.
 */
import { copyFile, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isRevatError, RevatError } from '@revat/core';
import type { PathInfo } from '@huggingface/hub';
import { download } from './download-node.js';
import { createFolder } from './files-node.js';
import { chooseWeightFile, parseHubReference, WEIGHT_FILES, type HubReference } from './hub-reference.js';
import { isPassing, networkError, passingError } from './network-error.js';
import { DEFAULT_HUB_URL, type RemoteOptions } from './remote-options.js';

/** Path in the cache of the file that `hf:owner/name[@revision][:file]` means; downloads it if need be. */
export async function hubFile(source: string, options: RemoteOptions): Promise<string> {
  const reference = parseHubReference(source);
  const hub = await import('@huggingface/hub');
  const cache = options.cacheDir ?? hub.getHFHubCachePath();
  const folder = path.join(cache, hub.getRepoFolderName({ type: 'model', name: reference.repository }));
  const known = await cachedFile(folder, reference);
  if (known !== undefined && (isCommit(reference.revision) || process.env.HF_HUB_OFFLINE === '1'))
    return known;
  try {
    return await fetchFromHub(source, reference, folder, options);
  } catch (error) {
    if (known !== undefined && isPassing(error)) return known;
    throw error;
  }
}

interface Found {
  readonly commit: string;
  readonly weights: HubFile;
  /** timm's description beside the weights, which names the preprocessing. */
  readonly config: HubFile | undefined;
}

interface HubFile {
  readonly file: string;
  readonly size: number;
  /** Content hash that names the blob: SHA-256 for large files. */
  readonly oid: string;
  readonly sha256: string | undefined;
}

async function fetchFromHub(
  source: string,
  reference: HubReference,
  folder: string,
  options: RemoteOptions,
): Promise<string> {
  const hubUrl = options.hubUrl ?? process.env.HF_ENDPOINT ?? DEFAULT_HUB_URL;
  const token = process.env.HF_TOKEN;
  const found = await ask(source, hubUrl, () => lookUp(source, reference, hubUrl, token), options);
  const fetchOne = async (entry: HubFile, sha256: string | undefined): Promise<string> => {
    const pointer = path.join(folder, 'snapshots', found.commit, entry.file);
    const blob = path.join(folder, 'blobs', entry.oid);
    const address = entry.file.split('/').map(encodeURIComponent).join('/');
    const url = `${hubUrl}/${reference.repository}/resolve/${found.commit}/${address}`;
    const headers: Record<string, string> =
      token === undefined || token === '' ? {} : { Authorization: `Bearer ${token}` };
    if (!(await exists(blob))) {
      const { size } = entry;
      await download({ url, target: blob, where: source, headers, size, immutable: true, sha256 }, options);
    }
    await link(blob, pointer);
    return pointer;
  };
  if (found.config !== undefined) await fetchOne(found.config, undefined);
  const pointer = await fetchOne(found.weights, options.sha256 ?? found.weights.sha256);
  await writeReference(folder, reference.revision, found.commit);
  return pointer;
}

async function lookUp(
  source: string,
  { repository, revision, file }: HubReference,
  hubUrl: string,
  token: string | undefined,
): Promise<Found> {
  const hub = await import('@huggingface/hub');
  const access = { hubUrl, ...(token === undefined || token === '' ? {} : { accessToken: token }) };
  const info = await hub.modelInfo({
    name: repository,
    revision,
    additionalFields: ['sha', 'filePaths'],
    ...access,
  });
  const chosen = file ?? chooseWeightFile(info.filePaths, source);
  const paths = [chosen, 'config.json'];
  const entries = await hub.pathsInfo({ repo: repository, paths, revision: info.sha, ...access });
  const [weights, config] = paths.map((path) => entries.find((entry) => entry.path === path));
  if (weights === undefined) {
    throw new RevatError(
      'not-found',
      `${source}: the repository has no ${chosen}. It holds ${info.filePaths.slice(0, 8).join(', ')}.`,
    );
  }
  if (!isCommit(info.sha))
    throw new RevatError('invalid-file', `${source}: ${hubUrl} names no commit. Is it a hub?`);
  return {
    commit: info.sha,
    weights: describe(weights, source),
    config: config && describe(config, source),
  };
}

/** The hash becomes a file name in the cache, so it must be a hash. */
function describe({ path: file, lfs, oid: gitHash, size }: PathInfo, source: string): HubFile {
  const oid = lfs?.oid ?? gitHash ?? '';
  if (!/^[0-9a-f]{40,64}$/.test(oid)) {
    throw new RevatError('invalid-file', `${source}: the hub answered without proper hashes. Is it a hub?`);
  }
  return { file, size: lfs?.size ?? size, oid, sha256: lfs?.oid };
}

/** Asks the hub; says in plain words what an error of the library means. */
async function ask<Result>(
  source: string,
  hubUrl: string,
  question: () => Promise<Result>,
  options: RemoteOptions,
): Promise<Result> {
  try {
    return await question();
  } catch (cause) {
    if (isRevatError(cause)) throw cause;
    const status = statusOf(cause);
    if (status === undefined) throw networkError(cause, hubUrl, source, options.signal);
    if (status >= 500 || status === 429) {
      throw passingError(`${source}: the hub is busy or broken (${status}). Try again later.`, cause);
    }
    if (status === 404)
      throw new RevatError(
        'not-found',
        `${source}: the hub has no such repository or revision. Check the name.`,
        { cause },
      );
    if (status === 401 || status === 403) {
      throw new RevatError(
        'io',
        `${source}: access denied (${status}). It may not exist, or need an account: accept its licence on the hub and set HF_TOKEN.`,
        { cause },
      );
    }
    throw new RevatError('io', `${source}: the hub answered ${status}. Try again later.`, { cause });
  }
}

/** HTTP status of the library's HubApiError; undefined if the hub did not answer at all. */
function statusOf(thrown: unknown): number | undefined {
  const isApiError = typeof thrown === 'object' && thrown !== null && 'statusCode' in thrown;
  return isApiError ? Number(thrown.statusCode) : undefined;
}

/** The file in the cache, for the commit that the revision last meant; undefined if it is not there. */
async function cachedFile(folder: string, { revision, file }: HubReference): Promise<string | undefined> {
  const commit = isCommit(revision)
    ? revision
    : await readFile(path.join(folder, 'refs', revision), 'utf8').catch(() => '');
  if (!isCommit(commit.trim())) return undefined;
  for (const name of file === undefined ? WEIGHT_FILES : [file]) {
    const candidate = path.join(folder, 'snapshots', commit.trim(), name);
    if (await exists(candidate)) return candidate;
  }
  return undefined;
}

/** Points the snapshot at the blob as Python does; where symbolic links are not allowed (Windows), copies. */
async function link(blob: string, pointer: string): Promise<void> {
  if (await exists(pointer)) return;
  await createFolder(path.dirname(pointer));
  await symlink(path.relative(path.dirname(pointer), blob), pointer).catch(
    async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') await copyFile(blob, pointer);
    },
  );
}

async function writeReference(folder: string, revision: string, commit: string): Promise<void> {
  if (isCommit(revision)) return;
  const file = path.join(folder, 'refs', revision);
  await createFolder(path.dirname(file));
  await writeFile(file, commit);
}

function isCommit(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
