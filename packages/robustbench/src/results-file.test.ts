import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { sampleResults } from '../test/sample-results.js';
import { withTemporaryFolder } from '../test/temporary-folder.js';
import { readResults, validateResults, writeResults } from './results-file.js';

/** The sample document as JSON, with the value at a path replaced (or removed, by undefined). */
function changed(keys: readonly (string | number)[], value: unknown): unknown {
  const document = JSON.parse(JSON.stringify(sampleResults())) as Record<string | number, unknown>;
  let parent = document;
  for (const key of keys.slice(0, -1)) parent = parent[key] as Record<string | number, unknown>;
  parent[keys[keys.length - 1]] = value;
  return JSON.parse(JSON.stringify(document));
}

describe('results file', () => {
  test('is written atomically and read back equal', async () => {
    await withTemporaryFolder(async (folder) => {
      const file = path.join(folder, 'run/results.json');
      await writeResults(file, sampleResults());
      expect(await readResults(file)).toEqual(sampleResults());
      expect(await readdir(path.dirname(file))).toEqual(['results.json']);
    });
  });

  test.each<[string, readonly (string | number)[], unknown, string]>([
    ['a missing field', ['recipe', 'seed'], undefined, 'recipe.seed: expected number, got nothing.'],
    [
      'a share above 1',
      ['models', 1, 'clean', 'accuracy'],
      1.2,
      'models[1].clean.accuracy: expected number to be <=1, got 1.2.',
    ],
    [
      'a text for a count',
      ['models', 0, 'clean', 'correct'],
      'x',
      'models[0].clean.correct: expected number, got "x".',
    ],
    ['a negative count', ['data', 'testImages'], -1, 'data.testImages: expected number to be >=0, got -1.'],
    ['a fraction for a count', ['data', 'testImages'], 0.5, 'data.testImages: expected int, got 0.5.'],
    ['nothing for null', ['device', 'provider'], undefined, 'device.provider: expected string, got nothing.'],
    ['an interval of one bound', ['models', 0, 'clean', 'interval'], [0.5], 'models[0].clean.interval'],
    ['more correct than all', ['models', 0, 'clean', 'correct'], 101, '101 of 100 images is more than all'],
    [
      'an unknown norm',
      ['threatModels', 0, 'norm'],
      'L7',
      'threatModels[0].norm: expected one of "Linf"|"L2"|"L1", got "L7".',
    ],
    ['an unknown threat model', ['models', 0, 'threats', 0, 'threatModel'], 'no', 'names "no"'],
    ['a picture of no model', ['pictures', 0, 'model'], 'no', 'pictures[0].model names "no"'],
    ['a list for an object', ['device'], [], 'device: expected object, got [].'],
    ['an object for a list', ['models'], {}, 'models: expected array, got {}.'],
    ['a later version', ['version'], 2, 'has schema version 2, this package reads up to 1'],
    ['version 0', ['version'], 0, 'version: expected 1, got 0.'],
    ['another schema', ['schema'], 'x', 'is not a revat results file'],
  ])('refuses %s by name', (_, keys, value, message) => {
    expect(() => validateResults(changed(keys, value), 'run/results.json')).toThrow(
      expect.objectContaining({ code: 'invalid-file', message: expect.stringContaining(message) }),
    );
    expect(() => validateResults(changed(keys, value), 'run/results.json')).toThrow(/^run\/results\.json: /);
  });

  test('refuses numbers that JSON cannot hold', () => {
    const results = { ...sampleResults(), timings: [{ name: 'training', seconds: NaN }] };
    expect(() => validateResults(results)).toThrow(/timings\[0\]\.seconds: expected number, got NaN\./);
  });

  test('reads documents with fields that it does not know', () => {
    expect(validateResults(changed(['device', 'colour'], 'blue'))).toEqual(sampleResults());
  });

  test.each([
    ['nothing', ''],
    ['half a file', '{"schema":"revat.results","ver'],
    ['null', 'null'],
    ['a number', '7'],
  ])('refuses %s', async (_, content) => {
    await withTemporaryFolder(async (folder) => {
      const file = path.join(folder, 'results.json');
      await writeFile(file, content);
      await expect(readResults(file)).rejects.toMatchObject({ code: 'invalid-file' });
    });
  });

  test('does not overwrite a good file with a bad document', async () => {
    await withTemporaryFolder(async (folder) => {
      const file = path.join(folder, 'results.json');
      await writeResults(file, sampleResults());
      const before = await readFile(file);
      const bad = { ...sampleResults(), created: 5 } as unknown as Parameters<typeof writeResults>[1];
      await expect(writeResults(file, bad)).rejects.toMatchObject({ code: 'invalid-file' });
      expect((await readFile(file)).equals(before)).toBe(true);
      await expect(writeResults('/dev/null/results.json', sampleResults())).rejects.toMatchObject({
        code: 'io',
      });
      await expect(readResults(path.join(folder, 'none.json'))).rejects.toMatchObject({ code: 'not-found' });
    });
  });
});
