import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { RevatError } from '@revat/core';

/** Makes a folder and its parents; several processes may do so at once. Throws 'io' if it cannot be made. */
export function createFolder(folder: string): void {
  try {
    createMissing(path.resolve(folder));
  } catch (cause) {
    throw new RevatError(
      'io',
      `cannot write to ${folder}: ${(cause as Error).message}. Choose an output folder that you may write to.`,
      { cause },
    );
  }
}

/** One by one: with `recursive`, Node never returns below folders that refuse with "no such file", such as /proc. */
function createMissing(folder: string): void {
  if (isFolder(folder)) return;
  const parent = path.dirname(folder);
  if (parent !== folder) createMissing(parent);
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!isFolder(folder)) throw error;
  }
}

function isFolder(file: string): boolean {
  try {
    return statSync(file).isDirectory();
  } catch {
    return false;
  }
}

/**
 * Writes a file so that every reader, also one after a crash, sees the old content or the new, never a part: to a temporary
 * neighbour that is flushed to disk, then renamed. Makes the folder. A failure leaves the old file, and no temporary one.
 *
 * @throws RevatError 'io' if the folder or the file cannot be written
 */
export function writeFileAtomically(file: string, content: string | Uint8Array): void {
  createFolder(path.dirname(file));
  // The processes of a job may write the same file.
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    writeFileSync(temporary, content, { flag: 'wx', flush: true });
    renameSync(temporary, file);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new RevatError(
      'io',
      `cannot write ${file}: ${(cause as Error).message}. Check that the folder is writable and has space.`,
      { cause },
    );
  }
}

/** Writes a value as indented JSON, in the way of `writeFileAtomically`. Throws 'io'. */
export function writeJsonAtomically(file: string, value: unknown): void {
  writeFileAtomically(file, `${JSON.stringify(value, null, 2)}\n`);
}
