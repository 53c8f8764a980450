import { describe, expect, test } from '@jest/globals';

import { accuracyOf } from './accuracy.js';

describe('accuracyOf', () => {
  // Wilson bounds, found by bisection of |p - share| = z sqrt(p (1 - p) / n).
  test.each([
    [68, 100, 0.583374, 0.763309],
    [0, 100, 0, 0.036993],
    [100, 100, 0.963007, 1],
    [1, 2, 0.094531, 0.905469],
  ])('%i of %i', (correct, total, low, high) => {
    const { accuracy, interval } = accuracyOf(correct, total);
    expect(accuracy).toBe(correct / total);
    expect(interval[0]).toBeCloseTo(low, 5);
    expect(interval[1]).toBeCloseTo(high, 5);
  });

  test.each([
    [1, 0],
    [-1, 4],
    [5, 4],
    [0.5, 4],
    [NaN, 4],
  ])('refuses %p of %p', (correct, total) => {
    expect(() => accuracyOf(correct, total)).toThrow(/is no share/);
  });
});
