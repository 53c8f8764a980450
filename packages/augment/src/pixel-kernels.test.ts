import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { adjustSaturation, adjustSharpness, luma } from './blend.js';
import { seededDraws } from './draws.js';
import { flipHorizontally } from './flip.js';
import { equalize, invert } from './intensity.js';
import { histograms, PIXEL_KERNELS_SHA256, toFloats } from './pixel-kernels.js';
import type { RgbImage } from './rgb-image.js';

const { fround } = Math;

function noise(width: number, height: number): RgbImage {
  const draws = seededDraws(1, 'noise', width, height);
  return { pixels: Uint8Array.from({ length: width * height * 3 }, () => draws.integer(256)), width, height };
}

function blend(degenerate: number, value: number, factor: number): number {
  return Math.max(
    0,
    Math.min(255, Math.trunc(fround(degenerate + fround(fround(factor) * (value - degenerate))))),
  );
}

/** Runs a check on images of all small sizes and some factors: ends of rows and images are where vectors go wrong. */
function onAnyImage(check: (image: RgbImage, factor: number) => void): void {
  const side = fc.integer({ min: 1, max: 40 });
  fc.assert(
    fc.property(side, side, fc.double({ min: 0.1, max: 1.9, noNaN: true }), (width, height, factor) => {
      check(noise(width, height), factor);
    }),
    { numRuns: 100 },
  );
}

describe('kernels equal their definitions', () => {
  test('flip', () => {
    onAnyImage((image) => {
      const { pixels } = flipHorizontally(image);
      for (let i = 0; i < pixels.length; i++) {
        const column = Math.floor(i / 3) % image.width;
        expect(pixels[i]).toBe(image.pixels[i + 3 * (image.width - 1 - 2 * column)]);
      }
    });
  });

  test('saturation', () => {
    onAnyImage((image, factor) => {
      const { pixels } = image;
      const expected = pixels.map((value, i) => {
        const [red, green, blue] = pixels.subarray(i - (i % 3));
        return blend(luma(red, green, blue), value, factor);
      });
      expect(adjustSaturation(image, factor).pixels).toEqual(expected);
    });
  });

  test('sharpness', () => {
    onAnyImage((image, factor) => {
      const { pixels, width, height } = image;
      const expected = pixels.map((value, i) => {
        const x = Math.floor(i / 3) % width;
        const y = Math.floor(i / 3 / width);
        if (x === 0 || y === 0 || x === width - 1 || y === height - 1) return value;
        let sum = 4 * value;
        for (const dy of [-1, 0, 1]) for (const dx of [-1, 0, 1]) sum += pixels[i + (dy * width + dx) * 3];
        return blend(Math.trunc(sum / 13 + 0.5), value, factor);
      });
      expect(adjustSharpness(image, factor).pixels).toEqual(expected);
    });
  });

  test('tables, histograms and floats', () => {
    onAnyImage((image) => {
      expect(invert(invert(image)).pixels).toEqual(image.pixels);
      const counts = histograms(image);
      image.pixels.forEach((value, i) => counts[(i % 3) * 256 + value]--);
      expect(counts.every((count) => count === 0)).toBe(true);
      const floats = new Float32Array(image.pixels.length);
      toFloats(image.pixels, floats);
      expect(floats).toEqual(Float32Array.from(image.pixels, (value) => value / 255));
      expect(equalize(image).pixels).toHaveLength(image.pixels.length);
    });
  });

  test('they are compiled from the source', () => {
    const source = readFileSync(join(__dirname, '../assembly/pixels.ts'));
    expect(createHash('sha256').update(source).digest('hex')).toBe(PIXEL_KERNELS_SHA256);
  });
});
