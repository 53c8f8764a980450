import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { modelZoo, modelNames, ZOO } from '../src/index.js';
import { agrees } from '../src/zoo.js';
import { CHECKPOINTS } from '../src/zoo-checkpoints.js';
import { renderSections, replaceSections, withoutPadding } from './models-page.js';

const PAGE = join(__dirname, '..', '..', '..', 'docs', 'models.md');
const zoo = modelZoo();

describe('the zoo', () => {
  test('a note explains every figure of the paper that is not the count, and no other', () => {
    for (const { title, params, flops, table14, table2, note } of zoo) {
      const wrong = [table14, table2].some(
        (figures) => figures && !(agrees(params / 1e6, figures.params) && agrees(flops / 1e9, figures.flops)),
      );
      expect({ title, noted: note !== undefined }).toEqual({ title, noted: wrong });
    }
  });

  test('names are known and listed once; checkpoints belong to an entry', () => {
    const keys = ZOO.map(({ name, stem }) => `${name}/${stem}`);
    expect(new Set(keys).size).toBe(keys.length);
    expect(modelNames()).toEqual(expect.arrayContaining(ZOO.map(({ name }) => name)));
    for (const key of Object.keys(CHECKPOINTS)) expect(keys).toContain(key);
  });
});

test('docs/models.md shows these counts; REVAT_WRITE_DOCS=1 writes it anew', () => {
  const page = readFileSync(PAGE, 'utf8');
  const expected = replaceSections(page, renderSections(zoo));
  if (process.env.REVAT_WRITE_DOCS) writeFileSync(PAGE, expected);
  else expect(withoutPadding(page)).toBe(withoutPadding(expected));
});
