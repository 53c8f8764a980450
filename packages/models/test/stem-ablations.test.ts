import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { StemOption } from '@revat/stems';
import { createModel, profile } from '../src/index.js';

interface Row {
  readonly stem: string;
  readonly final_1x1?: boolean | null;
  readonly params: number;
  readonly fvcore_G: number;
}

const tables = JSON.parse(readFileSync(join(__dirname, 'fixtures', 'stem_ablations.json'), 'utf8')) as Record<
  'table7_convnext_t' | 'table8_convnext_b' | 'table9_vit_s',
  Row[]
>;

/** The rows of Table 7 in order. */
const TABLE7 = [
  'table7-conv4s4',
  'table7-conv7s4',
  'table7-conv7s4-conv3s1',
  'table7-conv7s4-conv3s1-wide',
  'table7-conv7s2-conv3s2',
  'table7-conv5s2-conv3s2',
  'table7-conv3s2-conv3s2',
];

/** `table9-c4` of `C4 N**-2N*-4N*-8N`, with or without the last 1x1 convolution. */
function table9Stem({ stem, final_1x1 }: Row): StemOption {
  const name = `table9-${stem.slice(0, 2).toLowerCase()}`;
  return final_1x1 === null ? name : { name, projection: final_1x1 };
}

const CASES: readonly [string, StemOption, Row][] = [
  ...tables.table7_convnext_t.map((row, i): [string, StemOption, Row] => ['convnext_tiny', TABLE7[i], row]),
  ...tables.table8_convnext_b.map((row): [string, StemOption, Row] => [
    'convnext_base',
    `table8-${row.stem.slice(0, 2).toLowerCase()}`,
    row,
  ]),
  ...tables.table9_vit_s.map((row): [string, StemOption, Row] => ['vit_small', table9Stem(row), row]),
];

test('Tables 7, 8 and 9 have 21 rows', () => expect(CASES).toHaveLength(21));

test.each(CASES)('%s with stem %j', (model, stem, { params, fvcore_G }) => {
  const counted = profile(createModel(model, { stem }, { deferred: true }), { imageSize: 224 });
  expect(counted.params).toBe(params);
  expect((counted.flops / 1e9).toFixed(4)).toBe(fvcore_G.toFixed(4));
});
