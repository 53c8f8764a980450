/**
 * Geometric operations as Pillow's Image.transform(AFFINE) computes them: no antialiasing, the size is kept, what lies
 * outside the source is filled. The bicubic kernel here has a = -1, unlike the one of `resize`. All return a new image.
 */
import type { Interpolation } from './resize.js';
import { checkImage, type RgbImage } from './rgb-image.js';

export interface AffineOptions {
  /** Default 'bicubic'. */
  interpolation?: Interpolation;
  /** Colour outside the source; default black. */
  fill?: readonly [number, number, number];
}

/** Source coordinates (a x + b y + c, d x + e y + f) of the output point (x, y). */
type Matrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** Shears along x by `factor` pixels per row, about the top left corner. */
export function shearX(image: RgbImage, factor: number, options: AffineOptions = {}): RgbImage {
  return transform(image, [1, factor, 0, 0, 1, 0], options);
}

/** Shears along y by `factor` pixels per column, about the top left corner. */
export function shearY(image: RgbImage, factor: number, options: AffineOptions = {}): RgbImage {
  return transform(image, [1, 0, 0, factor, 1, 0], options);
}

/** Moves the picture left by `share` of the width; right if negative. */
export function translateX(image: RgbImage, share: number, options: AffineOptions = {}): RgbImage {
  return transform(image, [1, 0, share * image.width, 0, 1, 0], options);
}

/** Moves the picture up by `share` of the height; down if negative. */
export function translateY(image: RgbImage, share: number, options: AffineOptions = {}): RgbImage {
  return transform(image, [1, 0, 0, 0, 1, share * image.height], options);
}

/** Rotates about the centre, counter-clockwise for positive degrees. */
export function rotate(image: RgbImage, degrees: number, options: AffineOptions = {}): RgbImage {
  const turn = ((degrees % 360) + 360) % 360;
  if (turn === 0) return { ...image, pixels: image.pixels.slice() };
  const angle = (-turn * Math.PI) / 180;
  const cosine = round15(Math.cos(angle));
  const sine = round15(Math.sin(angle));
  const centreX = image.width / 2;
  const centreY = image.height / 2;
  return transform(
    image,
    [
      cosine,
      sine,
      cosine * -centreX + sine * -centreY + centreX,
      -sine,
      cosine,
      -sine * -centreX + cosine * -centreY + centreY,
    ],
    options,
  );
}

/** Rounds to 15 decimals, as Python's round does for |value| <= 1. */
function round15(value: number): number {
  return Number(value.toFixed(15));
}

function transform(
  image: RgbImage,
  matrix: Matrix,
  { interpolation = 'bicubic', fill = [0, 0, 0] }: AffineOptions,
): RgbImage {
  checkImage(image, 'transform');
  const { width, height } = image;
  const out = new Uint8Array(image.pixels.length);
  const [a, b, c, d, e, f] = matrix;
  const sampleAt = interpolation === 'bicubic' ? sampleBicubic : sampleBilinear;
  let write = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++, write += 3) {
      const sourceX = a * (x + 0.5) + b * (y + 0.5) + c;
      const sourceY = d * (x + 0.5) + e * (y + 0.5) + f;
      if (sourceX >= 0 && sourceX < width && sourceY >= 0 && sourceY < height) {
        sampleAt(image, sourceX - 0.5, sourceY - 0.5, out, write);
      } else {
        out[write] = fill[0];
        out[write + 1] = fill[1];
        out[write + 2] = fill[2];
      }
    }
  }
  return { pixels: out, width, height };
}

/** Writes the bilinear value at (x, y), truncated, neighbours clamped to the image. */
function sampleBilinear(
  { pixels, width, height }: RgbImage,
  x: number,
  y: number,
  out: Uint8Array,
  write: number,
): void {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const dx = x - left;
  const dy = y - top;
  const column0 = clamp(left, width) * 3;
  const column1 = clamp(left + 1, width) * 3;
  const row0 = clamp(top, height) * width * 3;
  const row1 = top + 1 >= 0 && top + 1 < height ? (top + 1) * width * 3 : row0;
  for (let channel = 0; channel < 3; channel++) {
    const upper = mix(pixels[row0 + column0 + channel], pixels[row0 + column1 + channel], dx);
    const lower = mix(pixels[row1 + column0 + channel], pixels[row1 + column1 + channel], dx);
    out[write + channel] = mix(upper, lower, dy);
  }
}

function mix(first: number, second: number, share: number): number {
  return first + (second - first) * share;
}

/** Writes the bicubic value at (x, y), clamped and truncated, neighbours clamped to the image. */
function sampleBicubic(
  { pixels, width, height }: RgbImage,
  x: number,
  y: number,
  out: Uint8Array,
  write: number,
): void {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const dx = x - left;
  const dy = y - top;
  const c0 = clamp(left - 1, width) * 3;
  const c1 = clamp(left, width) * 3;
  const c2 = clamp(left + 1, width) * 3;
  const c3 = clamp(left + 2, width) * 3;
  const r0 = clamp(top - 1, height) * width * 3;
  const r1 = clamp(top, height) * width * 3;
  const r2 = clamp(top + 1, height) * width * 3;
  const r3 = clamp(top + 2, height) * width * 3;
  for (let channel = 0; channel < 3; channel++) {
    const p = channel;
    const v0 = cubic(pixels[r0 + c0 + p], pixels[r0 + c1 + p], pixels[r0 + c2 + p], pixels[r0 + c3 + p], dx);
    const v1 = cubic(pixels[r1 + c0 + p], pixels[r1 + c1 + p], pixels[r1 + c2 + p], pixels[r1 + c3 + p], dx);
    const v2 = cubic(pixels[r2 + c0 + p], pixels[r2 + c1 + p], pixels[r2 + c2 + p], pixels[r2 + c3 + p], dx);
    const v3 = cubic(pixels[r3 + c0 + p], pixels[r3 + c1 + p], pixels[r3 + c2 + p], pixels[r3 + c3 + p], dx);
    const value = cubic(v0, v1, v2, v3, dy);
    out[write + channel] = value <= 0 ? 0 : value >= 255 ? 255 : value;
  }
}

/** Cubic convolution with a = -1 (Keys 1981) between v1 and v2. */
function cubic(v0: number, v1: number, v2: number, v3: number, t: number): number {
  return v1 + t * (v2 - v0 + t * (2 * (v0 - v1) + v2 - v3 + t * (-v0 + v1 - v2 + v3)));
}

function clamp(position: number, size: number): number {
  return position < 0 ? 0 : position < size ? position : size - 1;
}
