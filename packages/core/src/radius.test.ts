import { describe, expect, test } from '@jest/globals';

import { formatRadius, parseRadius } from './radius.js';

describe('parseRadius', () => {
  test.each([
    ['4/255', 4 / 255],
    [' 8 / 255 ', 8 / 255],
    ['0.0157', 0.0157],
    ['1e-2', 0.01],
    ['.5', 0.5],
    ['12.0', 12],
    [0.15, 0.15],
  ])('%p is %p', (text, radius) => {
    expect(parseRadius(text)).toBe(radius);
  });

  test.each(['', '0', '-1', '4/0', '1/2/3', 'abc', '0x10', '4/', 'Infinity', NaN, -0.03, Infinity])(
    'refuses %p',
    (text) => {
      expect(() => parseRadius(text, 'apgd: eps')).toThrow(/^apgd: eps: a radius must be a number > 0/);
    },
  );

  test('formatRadius writes what parseRadius reads', () => {
    for (const text of ['4/255', '0.15', '12', '2.25']) expect(formatRadius(parseRadius(text))).toBe(text);
  });
});
