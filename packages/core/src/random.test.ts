import { describe, expect, test } from '@jest/globals';

import { foldIn, randomKey, randomStream, threefry2x32 } from './random.js';

describe('threefry2x32', () => {
  // Known answers of the Random123 distribution, threefry2x32 with 20 rounds.
  test.each([
    [0, 0, 0, 0, 0x6b200159, 0x99ba4efe],
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x1cb996fc, 0xbb002be7],
    [0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3, 0xc4923a9c, 0x483df7a0],
  ])('key %i %i counter %i %i', (high, low, c0, c1, x0, x1) => {
    expect(threefry2x32({ high, low }, c0, c1)).toEqual([x0, x1]);
  });
});

describe('randomKey', () => {
  test('depends on every part and on their order', () => {
    const paths = [
      randomKey(0),
      randomKey(1),
      randomKey(0, 'a'),
      randomKey(0, 'b'),
      randomKey(0, 0),
      randomKey(0, 1),
      randomKey(0, 2 ** 32),
      randomKey(0, 2 ** 32 + 1),
      randomKey(0, -1),
      randomKey(0, 'a', 1),
      randomKey(0, 1, 'a'),
      randomKey(0, ''),
    ];
    expect(new Set(paths.map(({ high, low }) => `${high} ${low}`)).size).toBe(paths.length);
  });

  test('folding at once equals folding step by step', () => {
    expect(foldIn(foldIn(randomKey(7), 'apgd'), 3, 1)).toEqual(randomKey(7, 'apgd', 3, 1));
  });
});

describe('RandomStream', () => {
  const COUNT = 50_000;

  test('uniforms: range, mean and variance', () => {
    const values = randomStream(0, 'uniform').uniforms(COUNT);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(1);
    const mean = values.reduce((sum, v) => sum + v, 0) / COUNT;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / COUNT;
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / COUNT));
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.002);
  });

  test('normals: first four moments', () => {
    const values = randomStream(0, 'normal').normals(COUNT);
    const moment = (power: number) => values.reduce((sum, v) => sum + v ** power, 0) / COUNT;
    expect(Math.abs(moment(1))).toBeLessThan(5 / Math.sqrt(COUNT));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(5 * Math.sqrt(2 / COUNT));
    expect(Math.abs(moment(3))).toBeLessThan(5 * Math.sqrt(15 / COUNT));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(5 * Math.sqrt(96 / COUNT));
  });

  test('integers are uniform (chi-square, 9 degrees of freedom, p = 1e-6)', () => {
    const stream = randomStream(3, 'integer');
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < COUNT; i++) counts[stream.integer(10)]++;
    const chiSquare = counts.reduce((sum, count) => sum + (count - COUNT / 10) ** 2 / (COUNT / 10), 0);
    expect(chiSquare).toBeLessThan(45.1);
  });

  test('a permutation holds every index once and moves most of them', () => {
    const order = randomStream(1, 'permutation').permutation(1000);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect([...order].filter((value, i) => value === i).length).toBeLessThan(10);
  });
});
