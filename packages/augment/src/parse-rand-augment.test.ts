import { describe, expect, test } from '@jest/globals';

import { checkRandAugment, parseRandAugment } from './parse-rand-augment.js';
import { RAND_AUGMENT_SETS } from './rand-augment-operations.js';

describe('parseRandAugment', () => {
  test('the paper’s string', () => {
    expect(parseRandAugment('rand-m9-mstd0.5-inc1')).toEqual({
      operations: RAND_AUGMENT_SETS.increasing,
      magnitude: 9,
      magnitudeStd: 0.5,
      magnitudeMax: 10,
      layers: 2,
      probability: 0.5,
      interpolation: 'bicubic',
      fill: [0, 0, 0],
    });
  });

  test.each([
    ['rand', { magnitude: 10, layers: 2, operations: RAND_AUGMENT_SETS.fixed }],
    ['rand-inc0', { operations: RAND_AUGMENT_SETS.increasing }],
    ['rand-n3-m5-p0.75', { layers: 3, magnitude: 5, probability: 0.75 }],
    ['rand-m9-mstd101', { magnitudeStd: Infinity }],
    ['rand-m15-mmax20', { magnitude: 15, magnitudeMax: 20 }],
    ['rand-m4-tgeometric', { operations: RAND_AUGMENT_SETS.geometric }],
    ['rand-m9-t3a', { operations: RAND_AUGMENT_SETS['3a'] }],
  ])('%s', (text, options) => {
    expect(parseRandAugment(text)).toMatchObject(options);
  });

  test.each([
    ['', 'must begin with "rand"'],
    ['augmix-m3', 'must begin with "rand"'],
    ['rand-m9-foo', 'section "foo" is unknown'],
    ['rand-m', '"m" needs an integer'],
    ['rand-m9.5', '"m9.5" needs an integer'],
    ['rand-mstd', '"mstd" needs a number'],
    ['rand-mstd-1', '"mstd" needs a number'],
    ['rand-m9-m8', '"m" is given twice'],
    ['rand-tweights', 'set of operations "weights" is unknown'],
    ['rand-m1e9', '"m1e9" needs an integer'],
    ['rand-p2', 'probability must be from 0 to 1, got 2'],
    ['rand-n0', 'layers must be an integer from 1 to 100, got 0'],
    ['rand--m9', 'section "" is unknown'],
    ['rand-m9-mmax0', 'magnitudeMax must be > 0'],
  ])('%p is refused: %s', (text, reason) => {
    expect(() => parseRandAugment(text)).toThrow(reason);
  });

  test('an unknown operation is refused', () => {
    const options = { ...parseRandAugment('rand'), operations: ['Rotate', 'toString'] };
    expect(() => checkRandAugment(options)).toThrow('unknown operation "toString"');
  });
});
