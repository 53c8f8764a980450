import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { seededDraws } from './draws.js';
import { RESIZE_KERNELS_SHA256, resize, type Interpolation } from './resize.js';
import type { Box, RgbImage } from './rgb-image.js';

function noise(width: number, height: number): RgbImage {
  const draws = seededDraws(1, 'noise', width, height);
  return { pixels: Uint8Array.from({ length: width * height * 3 }, () => draws.integer(256)), width, height };
}

/** Pillow's recipe, one number at a time. */
function resizeSlowly(
  { pixels, width, height }: RgbImage,
  toWidth: number,
  toHeight: number,
  interpolation: Interpolation,
) {
  const a = -0.5;
  const bicubic = (x: number) =>
    x < 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
  const kernel = interpolation === 'bicubic' ? bicubic : (x: number) => Math.max(0, 1 - x);
  const support = interpolation === 'bicubic' ? 2 : 1;
  const pass = (
    from: number,
    to: number,
    read: (x: number) => number,
    write: (i: number, value: number) => void,
  ) => {
    for (let i = 0; i < to; i++) {
      if (from === to) {
        write(i, read(i));
        continue;
      }
      const scale = from / to;
      const stretch = Math.max(1, scale);
      const centre = (i + 0.5) * scale;
      const start = Math.max(0, Math.trunc(centre - support * stretch + 0.5));
      const end = Math.min(from, Math.trunc(centre + support * stretch + 0.5));
      const weights = Array.from({ length: end - start }, (_, k) =>
        kernel(Math.abs((start + k - centre + 0.5) * (1 / stretch))),
      );
      const sum = weights.reduce((total, weight) => total + weight, 0);
      let value = 2 ** 21;
      weights.forEach((weight, k) => {
        const fixed = (weight / sum) * 2 ** 22;
        value += Math.trunc(fixed + (fixed < 0 ? -0.5 : 0.5)) * read(start + k);
      });
      write(i, Math.max(0, Math.min(255, Math.floor(value / 2 ** 22))));
    }
  };
  const between = new Uint8Array(height * toWidth * 3);
  const out = new Uint8Array(toHeight * toWidth * 3);
  for (let channel = 0; channel < 3; channel++) {
    for (let y = 0; y < height; y++)
      pass(width, toWidth, (x) => pixels[(y * width + x) * 3 + channel], (x, value) => {
        between[(y * toWidth + x) * 3 + channel] = value;
      }); // prettier-ignore
    for (let x = 0; x < toWidth; x++)
      pass(height, toHeight, (y) => between[(y * toWidth + x) * 3 + channel], (y, value) => {
        out[(y * toWidth + x) * 3 + channel] = value;
      }); // prettier-ignore
  }
  return out;
}

const side = fc.integer({ min: 1, max: 70 });

describe('resize', () => {
  test('equals the recipe for any sizes', () => {
    fc.assert(
      fc.property(
        side,
        side,
        side,
        side,
        fc.constantFrom<Interpolation>('bicubic', 'bilinear'),
        (w, h, toW, toH, how) => {
          const image = noise(w, h);
          expect(resize(image, toW, toH, { interpolation: how }).pixels).toEqual(
            resizeSlowly(image, toW, toH, how),
          );
        },
      ),
      { numRuns: 150 },
    );
  });

  test('a window is a crop of the result, a source box a crop of the image', () => {
    fc.assert(
      fc.property(side, side, fc.nat(), (toWidth, toHeight, seed) => {
        const image = noise(41, 37);
        const window = boxWithin(toWidth, toHeight, seed);
        const source = boxWithin(41, 37, seed + 1);
        const whole = resize(cropped(image, source), toWidth, toHeight);
        expect(resize(image, toWidth, toHeight, { source, window }).pixels).toEqual(
          cropped(whole, window).pixels,
        );
      }),
      { numRuns: 150 },
    );
  });

  test('large images go through in strips', () => {
    const image = noise(700, 300);
    expect(resize(image, 31, 17).pixels).toEqual(resizeSlowly(image, 31, 17, 'bicubic'));
  });

  test.each([
    [{ pixels: new Uint8Array(5), width: 2, height: 1 }, {}, 'needs 6 RGB bytes, got 5'],
    [
      noise(4, 4),
      { source: { top: 0, left: 2, height: 4, width: 3 } },
      'does not lie inside an image of 4x4',
    ],
    [
      noise(4, 4),
      { window: { top: 0, left: 0, height: 0, width: 1 } },
      'does not lie inside an image of 8x8',
    ],
  ])('refuses what does not fit', (image, options, reason) => {
    expect(() => resize(image, 8, 8, options)).toThrow(reason);
  });

  test('the compiled kernels are those of the source', () => {
    const source = readFileSync(join(__dirname, '../assembly/resize.ts'));
    expect(createHash('sha256').update(source).digest('hex')).toBe(RESIZE_KERNELS_SHA256);
  });
});

function boxWithin(width: number, height: number, seed: number): Box {
  const draws = seededDraws(seed, 'box');
  const box = { height: 1 + draws.integer(height), width: 1 + draws.integer(width) };
  return { ...box, top: draws.integer(height - box.height + 1), left: draws.integer(width - box.width + 1) };
}

function cropped({ pixels, width }: RgbImage, box: Box): RgbImage {
  const rows = Array.from({ length: box.height }, (_, y) => {
    const start = ((box.top + y) * width + box.left) * 3;
    return Array.from(pixels.subarray(start, start + box.width * 3));
  });
  return { pixels: Uint8Array.from(rows.flat()), width: box.width, height: box.height };
}
