/**
 * Pillow's antialiased resize, to the bit: separable, horizontal pass first, weights in fixed point, bytes after each pass
 * (Pillow's Resample.c; the bicubic kernel has a = -0.5, Keys 1981).
 */
import { checkBox, checkImage, type Box, type RgbImage } from './rgb-image.js';

export type Interpolation = 'bicubic' | 'bilinear';

export interface ResizeOptions {
  interpolation?: Interpolation;
  /** Resize only this part of the source, as if it had been cropped before: the kernel sees no pixel outside. */
  source?: Box;
  /** Compute only this part of the result, as if it were cropped afterwards. */
  window?: Box;
}

/** Bits after the point: 8 bits of pixel, 22 of weight and 2 of overshoot fit a signed 32-bit sum. */
const PRECISION = 22;

/** For each output position, the first source position, the number of weights, and the weights themselves. */
export interface ResizeWeights {
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  /** [outputs, taps], each row's weights first, zeros after. */
  readonly weights: Int32Array;
  readonly taps: number;
}

/**
 * The image resized to width x height (both >= 1) as a new image.
 * Throws 'mismatch' if the bytes do not fit the size, 'invalid-argument' if a box lies outside.
 */
export function resize(
  image: RgbImage,
  width: number,
  height: number,
  options: ResizeOptions = {},
): RgbImage {
  checkImage(image, 'resize');
  const { interpolation = 'bicubic' } = options;
  const source = options.source ?? { top: 0, left: 0, width: image.width, height: image.height };
  const window = options.window ?? { top: 0, left: 0, width, height };
  checkBox(source, image.width, image.height, 'resize: source');
  checkBox(window, width, height, 'resize: window');

  const columns = resizeWeights(source.width, width, window.left, window.width, interpolation);
  const rows = resizeWeights(source.height, height, window.top, window.height, interpolation);
  // Only the source rows that the second pass reads go through the first.
  const firstRow = rows.starts[0];
  const lastRow = rows.starts[window.height - 1] + rows.counts[window.height - 1];
  const between = resizeColumns(image, source, firstRow, lastRow - firstRow, columns, window.width);
  return {
    pixels: resizeRows(between, window.width, firstRow, rows, window.height),
    width: window.width,
    height: window.height,
  };
}

function kernelOf(interpolation: Interpolation): { kernel: (x: number) => number; support: number } {
  return interpolation === 'bicubic' ? { kernel: bicubic, support: 2 } : { kernel: triangle, support: 1 };
}

function bicubic(x: number): number {
  const a = -0.5;
  const t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
}

function triangle(x: number): number {
  return Math.max(0, 1 - Math.abs(x));
}

/** The weights of `count` outputs from `first` on, when `from` samples become `to`. */
export function resizeWeights(
  from: number,
  to: number,
  first: number,
  count: number,
  interpolation: Interpolation,
): ResizeWeights {
  const { kernel, support } = kernelOf(interpolation);
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const reach = support * stretch;
  const taps = from === to ? 1 : Math.ceil(reach) * 2 + 1;
  const starts = new Int32Array(count);
  const counts = new Int32Array(count);
  const weights = new Int32Array(count * taps);
  const exact = new Float64Array(taps);
  for (let i = 0; i < count; i++) {
    if (from === to) {
      // A pass that keeps the size is skipped: weight one on the same position.
      starts[i] = first + i;
      counts[i] = 1;
      weights[i] = 1 << PRECISION;
      continue;
    }
    const centre = (first + i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(from, Math.trunc(centre + reach + 0.5));
    let sum = 0;
    for (let x = start; x < end; x++) sum += exact[x - start] = kernel((x - centre + 0.5) * (1 / stretch));
    starts[i] = start;
    counts[i] = end - start;
    for (let k = 0; k < end - start; k++)
      weights[i * taps + k] = toFixedPoint(sum === 0 ? exact[k] : exact[k] / sum);
  }
  return { starts, counts, weights, taps };
}

/** Rounds half away from zero. */
function toFixedPoint(weight: number): number {
  return Math.trunc(weight * (1 << PRECISION) + (weight < 0 ? -0.5 : 0.5));
}

/** The horizontal pass over `rowCount` rows of the source box: [rowCount, outWidth, 3] bytes. */
function resizeColumns(
  { pixels, width }: RgbImage,
  source: Box,
  firstRow: number,
  rowCount: number,
  { starts, counts, weights, taps }: ResizeWeights,
  outWidth: number,
): Uint8ClampedArray {
  const out = new Uint8ClampedArray(rowCount * outWidth * 3);
  let write = 0;
  for (let row = 0; row < rowCount; row++) {
    const rowStart = ((source.top + firstRow + row) * width + source.left) * 3;
    for (let x = 0; x < outWidth; x++) {
      let red = 1 << (PRECISION - 1);
      let green = red;
      let blue = red;
      let read = rowStart + starts[x] * 3;
      const end = x * taps + counts[x];
      for (let k = x * taps; k < end; k++, read += 3) {
        const weight = weights[k];
        red = (red + Math.imul(weight, pixels[read])) | 0;
        green = (green + Math.imul(weight, pixels[read + 1])) | 0;
        blue = (blue + Math.imul(weight, pixels[read + 2])) | 0;
      }
      out[write] = red >> PRECISION;
      out[write + 1] = green >> PRECISION;
      out[write + 2] = blue >> PRECISION;
      write += 3;
    }
  }
  return out;
}

/** The vertical pass: `between` holds the rows from `firstRow` on. */
function resizeRows(
  between: Uint8ClampedArray,
  width: number,
  firstRow: number,
  { starts, counts, weights, taps }: ResizeWeights,
  outHeight: number,
): Uint8Array {
  const stride = width * 3;
  const out = new Uint8ClampedArray(outHeight * stride);
  const sums = new Int32Array(stride);
  for (let y = 0; y < outHeight; y++) {
    sums.fill(1 << (PRECISION - 1));
    for (let k = 0; k < counts[y]; k++) {
      const weight = weights[y * taps + k];
      const row = (starts[y] + k - firstRow) * stride;
      for (let i = 0; i < stride; i++) sums[i] += Math.imul(weight, between[row + i]);
    }
    const write = y * stride;
    for (let i = 0; i < stride; i++) out[write + i] = sums[i] >> PRECISION;
  }
  return new Uint8Array(out.buffer);
}
