import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { AFFINE_KERNELS_SHA256, rotate, shearX, translateX, translateY } from './affine.js';
import { seededDraws } from './draws.js';
import type { RgbImage } from './rgb-image.js';

const draws = seededDraws(2, 'noise');
const image = {
  pixels: Uint8Array.from({ length: 30 * 20 * 3 }, () => draws.integer(256)),
  width: 30,
  height: 20,
};

describe('affine operations', () => {
  test('a full turn and no move change nothing', () => {
    for (const same of [rotate(image, 0), rotate(image, -720), translateX(image, 0), shearX(image, 0)])
      expect(same.pixels).toEqual(image.pixels);
  });

  test('a translation by whole pixels moves left and up for positive shares', () => {
    const left = translateX(image, 0.1, { fill: [1, 2, 3] });
    expect(left.pixels.subarray(0, 27 * 3)).toEqual(image.pixels.subarray(9, 90));
    expect([...left.pixels.subarray(27 * 3, 28 * 3)]).toEqual([1, 2, 3]);
    expect(translateY(image, 0.5).pixels.subarray(0, 900)).toEqual(image.pixels.subarray(900));
  });

  test('four quarter turns of a square are the square', () => {
    const square: RgbImage = { pixels: image.pixels.slice(0, 20 * 20 * 3), width: 20, height: 20 };
    const turned = [90, 90, 90, 90].reduce(
      (result, degrees) => rotate(result, degrees, { interpolation: 'bilinear' }),
      square,
    );
    expect(turned.pixels).toEqual(square.pixels);
  });

  test('the compiled kernels are those of the source', () => {
    const source = readFileSync(join(__dirname, '../assembly/affine.ts'));
    expect(createHash('sha256').update(source).digest('hex')).toBe(AFFINE_KERNELS_SHA256);
  });
});
