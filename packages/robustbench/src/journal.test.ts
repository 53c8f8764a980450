import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { withTemporaryFolder } from '../test/temporary-folder.js';
import { openJournal, readJournal, type CommitRecord, type SampleRecord } from './journal.js';

const RECIPE = { model: { id: 'a', weights: 'ff' }, seed: 0 };

function chunk(index: number) {
  return {
    samples: [2 * index, 2 * index + 1].map((sample) => ({ sample, label: sample % 3 })),
    commit: { commit: index, input: `hash ${index}` },
  };
}

async function write(file: string, chunks: number, recipe: object = RECIPE): Promise<void> {
  const journal = await openJournal<SampleRecord, CommitRecord>(file, recipe);
  for (let i = journal.chunks.length; i < chunks; i++) await journal.append(chunk(i));
  await journal.close();
}

describe('journal', () => {
  test('torn at any byte, it continues after the last whole chunk and ends with the same bytes', async () => {
    await withTemporaryFolder(async (folder) => {
      const file = path.join(folder, 'deep/er/journal.jsonl');
      await write(file, 3);
      const whole = await readFile(file);
      const borders = [...whole.toString().matchAll(/.*"commit".*\n/g)].map(
        ({ index, 0: line }) => index + line.length,
      );
      // Every byte around the ends of chunks, every fifth elsewhere.
      const isTried = (length: number) =>
        length % 5 === 0 || borders.some((border) => Math.abs(border - length) < 4);
      for (let length = 0; length <= whole.length; length++) {
        if (!isTried(length)) continue;
        await writeFile(file, whole.subarray(0, length));
        const journal = await openJournal(file, RECIPE);
        expect(journal.chunks).toHaveLength(borders.filter((border) => border <= length).length);
        await journal.close();
        await write(file, 3);
        expect((await readFile(file)).equals(whole)).toBe(true);
      }
    });
  });

  test('reads back what was committed', async () => {
    await withTemporaryFolder(async (folder) => {
      const file = path.join(folder, 'journal.jsonl');
      await write(file, 2);
      await appendFile(file, '{"sample":4,"la');
      expect(await readJournal(file)).toEqual({ recipe: RECIPE, chunks: [chunk(0), chunk(1)] });
      await expect(readJournal(path.join(folder, 'none'))).rejects.toMatchObject({ code: 'not-found' });
    });
  });

  test('refuses another recipe, naming what differs, and leaves the file alone', async () => {
    await withTemporaryFolder(async (folder) => {
      const file = path.join(folder, 'journal.jsonl');
      await write(file, 1);
      const before = await readFile(file);
      const other = { model: { id: 'a', weights: '00' }, seed: 1 };
      await expect(openJournal(file, other)).rejects.toMatchObject({
        code: 'mismatch',
        message: expect.stringContaining('model.weights: "ff" there, "00" asked; seed: 0 there, 1 asked'),
      });
      await expect(openJournal(file, RECIPE, { resume: false })).rejects.toMatchObject({ code: 'mismatch' });
      expect((await readFile(file)).equals(before)).toBe(true);
    });
  });

  test.each([
    ['someone’s notes', 'notes\nmore notes\n'],
    ['a line without end', 'notes'],
    ['other JSON', '{"recipe":1}\n'],
  ])('refuses %s without changing it', async (_, content) => {
    await withTemporaryFolder(async (folder) => {
      const file = path.join(folder, 'journal.jsonl');
      await writeFile(file, content);
      await expect(openJournal(file, RECIPE)).rejects.toMatchObject({ code: 'invalid-file' });
      expect(await readFile(file, 'utf8')).toBe(content);
    });
  });

  test('refuses damage before the end', async () => {
    await withTemporaryFolder(async (folder) => {
      const file = path.join(folder, 'journal.jsonl');
      await write(file, 2);
      const lines = (await readFile(file, 'utf8')).split('\n');
      lines[1] = lines[1].slice(0, -3);
      await writeFile(file, lines.join('\n'));
      await expect(openJournal(file, RECIPE)).rejects.toMatchObject({
        code: 'invalid-file',
        message: expect.stringContaining('damaged in line 2'),
      });
    });
  });

  test('notices another writer', async () => {
    await withTemporaryFolder(async (folder) => {
      const file = path.join(folder, 'journal.jsonl');
      const journal = await openJournal(file, RECIPE);
      await write(file, 1);
      await expect(journal.append(chunk(0))).rejects.toMatchObject({
        code: 'mismatch',
        message: expect.stringContaining('another process'),
      });
      await journal.close();
      await truncate(file);
    });
  });

  test('says what to do where it cannot write', async () => {
    await expect(openJournal('/dev/null/journal.jsonl', RECIPE)).rejects.toMatchObject({
      code: 'io',
      message: expect.stringContaining('Choose an output folder'),
    });
  });
});
