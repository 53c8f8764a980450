/**
 * Pillow's GaussianBlur: three box blurs per axis that approximate the Gaussian (Gwosdek et al., "Theoretical foundations of
 * Gaussian convolution by extended box filtering", SSVM 2011), bytes after each.
 */
import { RevatError } from '@revat/core';

import { checkImage, type RgbImage } from './rgb-image.js';

const { fround } = Math;
const PASSES = 3;

/** The image blurred with standard deviation `radius` in pixels, >= 0, as a new image. Edges are replicated. */
export function gaussianBlur(image: RgbImage, radius: number): RgbImage {
  checkImage(image, 'gaussianBlur');
  if (!(radius >= 0 && radius < 1e4))
    throw new RevatError(
      'invalid-argument',
      `gaussianBlur: radius must be >= 0 and below 10000, got ${radius}.`,
    );
  const { width, height } = image;
  let pixels = image.pixels.slice();
  if (radius === 0) return { pixels, width, height };
  const boxRadius = boxRadiusOf(radius);
  const lineLength = { x: width, y: height };
  for (const axis of ['x', 'y'] as const) {
    const step = axis === 'x' ? 3 : width * 3;
    const lines = axis === 'x' ? height : width;
    const lineStep = axis === 'x' ? width * 3 : 3;
    for (let pass = 0; pass < PASSES; pass++) {
      const out = new Uint8Array(pixels.length);
      for (let line = 0; line < lines; line++)
        for (let channel = 0; channel < 3; channel++)
          boxBlurLine(pixels, out, line * lineStep + channel, step, lineLength[axis], boxRadius);
      pixels = out;
    }
  }
  return { pixels, width, height };
}

/** The (fractional) radius of the three boxes whose variances add up to that of the Gaussian. */
function boxRadiusOf(sigma: number): number {
  const q = fround(fround(fround(sigma) * fround(sigma)) / PASSES);
  const length = fround(Math.sqrt(12 * q + 1));
  const l = fround(Math.floor(fround((length - 1) / 2)));
  const a = fround(fround(fround(2 * l + 1) * fround(fround(l * (l + 1)) - fround(3 * q))));
  return fround(l + fround(a / fround(6 * fround(q - fround((l + 1) * (l + 1))))));
}

/** One box blur of a line of `count` bytes, `step` apart: weights W inside the radius and F at both ends. */
function boxBlurLine(
  pixels: Uint8Array,
  out: Uint8Array,
  start: number,
  step: number,
  count: number,
  radius: number,
): void {
  const whole = Math.trunc(radius);
  const weight = Math.trunc(fround(2 ** 24 / fround(radius * 2 + 1)));
  const farWeight = Math.floor((2 ** 24 - (whole * 2 + 1) * weight) / 2);
  const at = (position: number) => pixels[start + Math.max(0, Math.min(count - 1, position)) * step];
  let inner = 0;
  for (let position = -whole; position <= whole; position++) inner += at(position);
  for (let x = 0; x < count; x++) {
    const far = at(x - whole - 1) + at(x + whole + 1);
    out[start + x * step] = Math.floor((inner * weight + far * farWeight + 2 ** 23) / 2 ** 24);
    inner += at(x + whole + 1) - at(x - whole);
  }
}
