import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

import { RevatError } from '@revat/core';

import { makeFolder } from './make-folder.js';

/**
 * Writes a file so that it is there as a whole or not at all: to a temporary neighbour, synced, then renamed.
 * Makes the folder. Throws 'io' with what to do.
 */
export async function writeFileAtomically(file: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    await makeFolder(path.dirname(file));
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new RevatError(
      'io',
      `cannot write ${file}: ${(cause as Error).message}. Check that the folder is writable and has space.`,
      { cause },
    );
  }
}
