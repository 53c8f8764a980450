/**
 * Geometric operations as Pillow's Image.transform(AFFINE) computes them: no antialiasing, the size is kept, what lies
 * outside the source is filled. The bicubic kernel here has a = -1, unlike the one of `resize`. All return a new image.
 */
import { WasmMemory } from '@revat/core';

import { SOURCE_SHA256, WASM_BASE64 } from './affine-wasm.js';
import { copyPixels, newPixels } from './pixel-memory.js';
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
  if (turn === 0) return { ...image, pixels: copyPixels(image.pixels) };
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
  return interpolation === 'bicubic'
    ? transformBicubic(image, matrix, fill)
    : transformBilinear(image, matrix, fill);
}

interface AffineKernels {
  transformBicubic(source: number, width: number, height: number, ...matrixFillOut: number[]): void;
}

let kernels: WasmMemory<AffineKernels> | undefined;

/** The hash of the source that the kernels were compiled from. */
export const AFFINE_KERNELS_SHA256 = SOURCE_SHA256;

function transformBicubic(
  { pixels, width, height }: RgbImage,
  matrix: Matrix,
  fill: readonly [number, number, number],
): RgbImage {
  kernels ??= new WasmMemory(WASM_BASE64);
  kernels.reset();
  const source = kernels.reserve(pixels.length);
  const out = kernels.reserve(pixels.length);
  kernels.bytes(source, pixels.length).set(pixels);
  const colour = fill[0] | (fill[1] << 8) | (fill[2] << 16);
  kernels.exports.transformBicubic(source, width, height, ...matrix, colour, out);
  return { pixels: copyPixels(kernels.bytes(out, pixels.length)), width, height };
}

function transformBilinear(
  image: RgbImage,
  [a, b, c, d, e, f]: Matrix,
  fill: readonly [number, number, number],
): RgbImage {
  const { width, height } = image;
  const out = newPixels(image.pixels.length);
  let write = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++, write += 3) {
      const sourceX = a * (x + 0.5) + b * (y + 0.5) + c;
      const sourceY = d * (x + 0.5) + e * (y + 0.5) + f;
      if (sourceX >= 0 && sourceX < width && sourceY >= 0 && sourceY < height)
        sampleBilinear(image, sourceX - 0.5, sourceY - 0.5, out, write);
      else out.set(fill, write);
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

function clamp(position: number, size: number): number {
  return position < 0 ? 0 : position < size ? position : size - 1;
}
