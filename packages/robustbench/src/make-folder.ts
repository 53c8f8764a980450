import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';

/**
 * Makes a folder and its parents. Node's own recursive mkdir runs forever where a folder exists in which nothing can be made
 * and which says "no such file", such as /proc. Throws Node's error.
 */
export async function makeFolder(folder: string): Promise<void> {
  const absolute = path.resolve(folder);
  if (await isFolder(absolute)) return;
  const parent = path.dirname(absolute);
  if (parent !== absolute) await makeFolder(parent);
  await mkdir(absolute).catch(async (error: unknown) => {
    // Another process may have made it meanwhile.
    if (!(await isFolder(absolute))) throw error;
  });
}

async function isFolder(file: string): Promise<boolean> {
  return stat(file).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
