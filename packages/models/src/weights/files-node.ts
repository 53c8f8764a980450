import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { isRevatError, RevatError } from '@revat/core';
import type { ChannelStatistics } from '../normalization.js';
import type { ByteSource } from './byte-source.js';
import { errorCode } from './error-code.js';
import { readPreprocessing } from './preprocessing.js';

/** Opens a file for random access. Throws 'not-found', or 'io' if it cannot be read. */
export async function openFile(file: string): Promise<ByteSource> {
  const handle = await open(file, 'r').catch((cause: unknown) => {
    throw fileError(cause, file, 'read');
  });
  const { size } = await handle.stat();
  return {
    name: file,
    size,
    async readInto(into, offset) {
      for (let done = 0; done < into.byteLength;) {
        const { bytesRead } = await handle.read(into, done, into.byteLength - done, offset + done);
        if (bytesRead === 0) {
          throw new RevatError(
            'invalid-file',
            `${file}: ended while being read. Was it cut short? Fetch it again.`,
          );
        }
        done += bytesRead;
      }
    },
    close: () => handle.close(),
  };
}

/**
 * Writes a file so that its name only ever holds the whole content: a temporary file in the same folder, flushed to
 * disk, then renamed. A failure leaves neither a half-written file nor the temporary one.
 */
export async function writeFileAtomically(
  file: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const temporary = path.join(
    path.dirname(file),
    `.${path.basename(file)}.${randomBytes(6).toString('hex')}.tmp`,
  );
  try {
    const handle = await open(temporary, 'wx');
    try {
      for await (const chunk of chunks) await handle.writeFile(chunk);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw isRevatError(cause) ? cause : fileError(cause, file, 'write');
  }
}

/** Makes a folder and its parents. Throws 'io' if it cannot be made. */
export async function createFolder(folder: string): Promise<void> {
  if (await isFolder(folder)) return;
  // One by one: with `recursive`, Node never returns below folders that refuse with "no such file", such as /proc.
  const parent = path.dirname(path.resolve(folder));
  if (parent !== path.resolve(folder)) await createFolder(parent);
  try {
    await mkdir(folder);
  } catch (cause) {
    // Another process may have made it meanwhile.
    if (!(await isFolder(folder))) throw fileError(cause, folder, 'write');
  }
}

async function isFolder(file: string): Promise<boolean> {
  return stat(file).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** The file names of a folder, sorted; undefined where the path is not a folder. Throws 'not-found'. */
export async function listFolder(folder: string): Promise<string[] | undefined> {
  try {
    if (!(await stat(folder)).isDirectory()) return undefined;
    return (await readdir(folder)).sort();
  } catch (cause) {
    throw fileError(cause, folder, 'read');
  }
}

/** The preprocessing that a config.json in the same folder names, if any. */
export async function preprocessingBeside(file: string): Promise<ChannelStatistics | undefined> {
  const json = await readFile(path.join(path.dirname(file), 'config.json'), 'utf8').catch(() => '');
  return readPreprocessing(json);
}

/** CRC-32 as zip archives use it, continued from that of the bytes before (0 at the start). */
export function crc32(bytes: Uint8Array, before: number): number {
  return zlibCrc32(bytes, before);
}

const WRITE_ADVICE: Readonly<Record<string, string>> = {
  ENOENT: 'the folder does not exist. Create it first',
  EACCES: 'permission denied. Choose a folder you may write to',
  EROFS: 'the file system is read-only. Choose another folder',
  ENOSPC: 'no space left on the device. Free some or choose another disk',
  EISDIR: 'it is a folder. Give a file name',
};

const READ_ADVICE: Readonly<Record<string, string>> = {
  ENOENT: 'no such file. Check the path',
  EACCES: 'permission denied. Check who may read it',
  EISDIR: 'it is a folder. Give a file',
};

/** What went wrong with a file, and what to do. */
export function fileError(cause: unknown, file: string, verb: 'read' | 'write'): RevatError {
  const code = errorCode(cause) ?? '';
  const advice = (verb === 'read' ? READ_ADVICE : WRITE_ADVICE)[code] ?? String(cause);
  const kind = verb === 'read' && code === 'ENOENT' ? 'not-found' : 'io';
  return new RevatError(kind, `${file}: cannot ${verb}: ${advice}.`, { cause });
}
