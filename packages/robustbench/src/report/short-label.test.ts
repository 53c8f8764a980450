import { describe, expect, test } from '@jest/globals';

import { shortLabels } from './short-label.js';

describe('shortLabels', () => {
  test.each([
    [
      ['ConvNeXt + ConvStem, clean', 'ConvNeXt + ConvStem, fine-tuned'],
      ['Clean', 'Fine-tuned'],
    ],
    [
      ['ConvNeXt + ConvStem, clean', 'ConvNeXt + PatchStem, clean'],
      ['ConvStem, clean', 'PatchStem, clean'],
    ],
    [
      ['Trained on clean images', 'Trained on noise'],
      ['Trained on clean images', 'Trained on noise'],
    ],
    [['A, b'], ['A, b']],
    [
      ['same, ', 'same, '],
      ['', ''],
    ],
    [[], []],
  ])('of %j are %j', (labels, short) => {
    expect(shortLabels(labels)).toEqual(short);
  });
});
