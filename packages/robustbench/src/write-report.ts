import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { writeFileAtomically } from '@revat/distributed';

import { renderReport } from './report/render-report.js';
import { readResults } from './results-file.js';

/**
 * Renders `folder/results.json` and the pictures it names into `folder/report.html`, or `file`. A picture that is missing
 * or lies outside the folder is left out and said so in the report.
 *
 * @returns the path of the report
 * @throws RevatError as `readResults`, or 'io' if the report cannot be written
 */
export async function writeReport(folder: string, file = path.join(folder, 'report.html')): Promise<string> {
  const results = await readResults(path.join(folder, 'results.json'));
  const pictures = new Map<string, Uint8Array>();
  for (const name of results.pictures.flatMap(({ files }) => Object.values(files))) {
    const bytes = await readPicture(folder, name);
    if (bytes) pictures.set(name, bytes);
  }
  writeFileAtomically(file, renderReport(results, pictures));
  return file;
}

/** Results may come from anywhere: only files under the folder are read. */
async function readPicture(folder: string, name: string): Promise<Uint8Array | null> {
  const inside = path.relative(folder, path.resolve(folder, name));
  if (inside.startsWith('..') || path.isAbsolute(inside)) return null;
  return readFile(path.join(folder, inside)).catch(() => null);
}
