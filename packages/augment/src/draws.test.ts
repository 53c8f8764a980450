import { describe, expect, test } from '@jest/globals';

import { seededDraws } from './draws.js';

function noise(count: number): Float32Array {
  const out = new Float32Array(count);
  seededDraws(3, 'noise', 17).fillNormal(out);
  return out;
}

describe('seededDraws', () => {
  test('noise stays what it is: recorded values, also where one block of words ends and the next begins', () => {
    const out = noise(20_001);
    const recorded = [
      [0, -0.339656],
      [1, 0.324943],
      [8190, 1.818518],
      [8191, 0.274254],
      [8192, -0.928292],
      [8193, -1.450801],
      [20_000, -0.54174],
    ];
    for (const [index, value] of recorded) expect(out[index]).toBeCloseTo(value, 5);
  });

  test('a shorter noise is the beginning of a longer one', () => {
    for (const count of [0, 1, 2, 7, 8191, 8193])
      expect(noise(count)).toEqual(noise(9000).subarray(0, count));
  });

  test('what is drawn after noise does not depend on how much noise it was', () => {
    const next = (count: number) => {
      const draws = seededDraws(3, 'noise', 17);
      draws.fillNormal(new Float32Array(count));
      return draws.uniform();
    };
    expect(next(5)).toBe(next(10_000));
  });
});
