/** A process that serves batches, killed again and again in mid-epoch; new processes serve what remains. */
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';
import { randomStream } from '@revat/core';
import type { LoaderOptions, LoaderPosition } from '@revat/data';

import { fixture, temporaryFolder } from './fixture-paths.js';

const CHILD = join(__dirname, 'serve-in-child.mjs');
const COPIES = 4;
const BATCH_SIZE = 2;
const BATCHES = ((12 * COPIES) / BATCH_SIZE) * 2;

const OPTIONS: LoaderOptions = {
  batchSize: BATCH_SIZE,
  imageSize: 32,
  augmentation: 'heavy',
  shuffle: true,
  seed: 9,
};

interface Served {
  readonly hash: string;
  readonly position: LoaderPosition;
}

/** The fixture folder with every file several times, so that an epoch has batches enough to be killed among. */
function manyFiles(): string {
  const root = temporaryFolder();
  for (const name of readdirSync(fixture('folder'))) {
    mkdirSync(join(root, name));
    for (const file of readdirSync(fixture('folder', name)))
      for (let copy = 0; copy < COPIES; copy++)
        copyFileSync(fixture('folder', name, file), join(root, name, `${copy}-${file}`));
  }
  return root;
}

/** Serves in a child process, killed (SIGKILL) `delay` ms after batch `killAt` of its life. Resolves to whether it finished. */
function serveInChild(
  journal: string,
  folder: string,
  workers: number,
  killAt = Infinity,
  delay = 0,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const options = JSON.stringify({ ...OPTIONS, workers });
    const child = spawn(process.execPath, [CHILD, journal, folder, options]);
    let [batches, errors] = [0, ''];
    child.stdout.on('data', (data: Buffer) => {
      const before = batches;
      batches += data.length;
      if (before < killAt && batches >= killAt) setTimeout(() => child.kill('SIGKILL'), delay);
    });
    child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0 || signal === 'SIGKILL') resolve(code === 0);
      else reject(new Error(`exit code ${code}: ${errors}`));
    });
  });
}

/** The whole lines of a journal; a kill may tear the last one. */
function readJournal(path: string): Served[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Served);
}

describe('a process that serves batches with worker threads', () => {
  test('killed in mid-epoch and resumed in new ones, serves the batches of one that ran through', async () => {
    const folder = manyFiles();
    const [whole, killed] = [join(folder, 'whole.jsonl'), join(folder, 'killed.jsonl')];
    await serveInChild(whole, folder, 0);
    const expected = readJournal(whole);
    expect(expected).toHaveLength(BATCHES);
    expect(new Set(expected.map(({ hash }) => hash)).size).toBe(BATCHES);

    const random = randomStream(0, 'kill-points');
    const offsets: number[] = [];
    for (const workers of [2, 1, 3]) {
      const killAt = 1 + random.integer(BATCHES / 6);
      const finished = await serveInChild(killed, folder, workers, killAt, random.integer(6));
      if (!finished) offsets.push(readJournal(killed).at(-1)!.position.offset);
    }
    expect(offsets.filter((offset) => offset > 0).length).toBeGreaterThan(1);
    await serveInChild(killed, folder, 2);
    expect(readJournal(killed)).toEqual(expected);
    rmSync(folder, { recursive: true });
  });
});
