import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { interpolatePositions, type PositionInterpolation } from './position-embedding.js';
import { readSafetensors, toFloat32, type NamedTensor } from './index.js';

const FILE = join(__dirname, '..', 'test', 'fixtures', 'pos_embed', 'pos_embed.safetensors');
const INTERPOLATIONS: readonly [string, PositionInterpolation][] = [
  ['paper', 'paper'],
  ['timm_antialias', 'timm'],
  ['timm_noantialias', 'timm-no-antialias'],
  ['timm_noprefix_antialias', 'timm'],
];

describe('interpolatePositions', () => {
  let tensors: Map<string, NamedTensor>;
  beforeAll(async () => ({ tensors } = await readSafetensors(FILE)));

  test.each(INTERPOLATIONS)(
    '%s equals PyTorch within 1e-5 on every recorded grid',
    (prefix, interpolation) => {
      const recorded = [...tensors.keys()].filter((name) => name.startsWith(`${prefix}.`));
      expect(recorded.length).toBeGreaterThanOrEqual(3);
      for (const name of recorded) {
        const [height, width] = name.split('.')[1].split('x').map(Number);
        const prefixTokens = prefix.includes('noprefix') ? 0 : 1;
        const all = toFloat32(tensors.get('pos_embed')!);
        const actual = interpolatePositions(prefixTokens === 1 ? all : all.subarray(8), {
          from: [14, 14],
          to: [height, width],
          prefixTokens,
          interpolation,
        });
        const expected = toFloat32(tensors.get(name)!);
        expect(actual).toHaveLength(expected.length);
        const worst = actual.reduce((max, value, i) => Math.max(max, Math.abs(value - expected[i])), 0);
        expect(worst).toBeLessThanOrEqual(1e-5);
      }
    },
  );

  test('an unchanged grid stays as it is in all variants', () => {
    const values = Float32Array.from({ length: 2 * 10 }, (_, i) => Math.sin(i));
    for (const [, interpolation] of INTERPOLATIONS) {
      const same = interpolatePositions(values, { from: [3, 3], to: [3, 3], prefixTokens: 1, interpolation });
      same.forEach((value, i) => expect(value).toBeCloseTo(values[i], 6));
    }
  });

  test('values that do not make up the grid are refused', () => {
    const options = { from: [3, 3] as const, to: [4, 4] as const, prefixTokens: 1 };
    expect(() => interpolatePositions(new Float32Array(21), options)).toThrow(/not 10 rows/);
  });
});
