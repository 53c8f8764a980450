import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { parseRecipe } from './recipe.js';
import { openRunFolder } from './run-folder.js';

const recipe = parseRecipe({
  name: 'smoke',
  data: { name: 'digits', imageSize: 32 },
  model: { name: 'convnext' },
  stages: [{ name: 'clean', epochs: 1, learningRate: 1e-3 }],
});

describe('openRunFolder', () => {
  let scratch = '';
  beforeAll(() => {
    scratch = mkdtempSync(path.join(os.tmpdir(), 'revat-run-folder-'));
  });
  afterAll(() => rmSync(scratch, { recursive: true }));

  test('makes a new folder, refuses to start over, resumes', () => {
    const folder = path.join(scratch, 'new/deep');
    const run = openRunFolder(folder, recipe);
    expect(run.recipe).toEqual(recipe);
    expect(() => openRunFolder(folder, recipe)).toThrow(/holds this run already.*--resume/);
    expect(openRunFolder(folder, recipe, { resume: true }).hash).toBe(run.hash);
  });

  test('refuses the folder of another recipe, with or without resume', () => {
    const folder = path.join(scratch, 'other');
    openRunFolder(folder, { ...recipe, seed: 7 });
    const before = readFileSync(path.join(folder, 'recipe.json'), 'utf8');
    for (const resume of [false, true])
      expect(() => openRunFolder(folder, recipe, { resume })).toThrow(/holds a run of another recipe/);
    expect(readFileSync(path.join(folder, 'recipe.json'), 'utf8')).toBe(before);
  });

  test('refuses a folder with other files, a file, and a place that cannot be written', () => {
    const folder = path.join(scratch, 'photos');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'cat.jpg'), '');
    expect(() => openRunFolder(folder, recipe)).toThrow(/not the folder of such a run/);
    expect(() => openRunFolder(path.join(folder, 'cat.jpg'), recipe)).toThrow(/is not a folder/);
    expect(() => openRunFolder(path.join(folder, 'cat.jpg', 'run'), recipe)).toThrow(/cannot write to/);
  });

  test('refuses to resume nothing and a damaged recipe', () => {
    expect(() => openRunFolder(path.join(scratch, 'nothing'), recipe, { resume: true })).toThrow(
      /no run to resume/,
    );
    const folder = path.join(scratch, 'damaged');
    openRunFolder(folder, recipe);
    writeFileSync(path.join(folder, 'recipe.json'), '{"recipe"');
    expect(() => openRunFolder(folder, recipe, { resume: true })).toThrow(/recipe\.json is damaged/);
  });
});
