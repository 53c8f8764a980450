/** The "simple random crop" of DeiT III (Touvron et al., ECCV 2022): resize, reflect padding, random crop. */
import type { Draws } from './draws.js';
import { evaluationGeometry } from './evaluation-crop.js';
import { newPixels } from './pixel-memory.js';
import { resize, type Interpolation } from './resize.js';
import type { Box, RgbImage } from './rgb-image.js';

const PADDING = 4;

/**
 * A random size x size crop of the image with its shorter side resized to `size` and four reflected pixels on every side.
 * Draws integer (top), integer (left).
 */
export function simpleRandomCrop(
  image: RgbImage,
  size: number,
  draws: Draws,
  interpolation: Interpolation = 'bicubic',
): RgbImage {
  const { width, height } = evaluationGeometry(image.width, image.height, size, size);
  const resized = resize(image, width, height, { interpolation });
  const top = draws.integer(height + 2 * PADDING - size + 1);
  const left = draws.integer(width + 2 * PADDING - size + 1);
  return cropReflected(resized, { top: top - PADDING, left: left - PADDING, height: size, width: size });
}

/** A crop that may reach outside: there the image is mirrored about its outermost pixels. */
function cropReflected({ pixels, width, height }: RgbImage, box: Box): RgbImage {
  const out = newPixels(box.width * box.height * 3);
  let write = 0;
  for (let y = 0; y < box.height; y++) {
    const row = reflect(box.top + y, height) * width;
    for (let x = 0; x < box.width; x++, write += 3) {
      const read = (row + reflect(box.left + x, width)) * 3;
      out[write] = pixels[read];
      out[write + 1] = pixels[read + 1];
      out[write + 2] = pixels[read + 2];
    }
  }
  return { pixels: out, width: box.width, height: box.height };
}

/** The position mirrored into 0 .. size-1. */
function reflect(position: number, size: number): number {
  if (size === 1) return 0;
  const period = 2 * (size - 1);
  const folded = ((position % period) + period) % period;
  return folded < size ? folded : period - folded;
}
