/**
 * Pillow's antialiased resize, to the bit: separable, horizontal pass first, weights in fixed point, bytes after each pass
 * (Pillow's Resample.c; the bicubic kernel has a = -0.5, Keys 1981). The passes run on WebAssembly SIMD.
 */
import { WasmMemory } from '@revat/core';

import { copyPixels } from './pixel-memory.js';
import { SOURCE_SHA256, WASM_BASE64 } from './resize-wasm.js';
import { resizeSpan, resizeWeights, type ResizeWeights } from './resize-weights.js';
import { checkBox, checkImage, type Box, type RgbImage } from './rgb-image.js';

export type Interpolation = 'bicubic' | 'bilinear';

export interface ResizeOptions {
  interpolation?: Interpolation;
  /** Resize only this part of the source, as if it had been cropped before: the kernel sees no pixel outside. */
  source?: Box;
  /** Compute only this part of the result, as if it were cropped afterwards. */
  window?: Box;
}

interface ResizeKernels {
  resizeColumns(
    source: number, stride: number, rows: number, outWidth: number,
    starts: number, pairCounts: number, weights: number, maxPairs: number, out: number,
  ): void; // prettier-ignore
  resizeRows(
    source: number, stride: number, outHeight: number,
    starts: number, pairCounts: number, weights: number, maxPairs: number, out: number,
  ): void; // prettier-ignore
}

/** Source bytes copied to WebAssembly at a time; more than a few caches full gain nothing. */
const STRIP_BYTES = 1 << 17;

let kernels: WasmMemory<ResizeKernels> | undefined;

/** The hash of the source that the kernels were compiled from. */
export const RESIZE_KERNELS_SHA256 = SOURCE_SHA256;

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

  kernels ??= new WasmMemory(WASM_BASE64);
  kernels.reset();
  const columns = resizeWeights(source.width, width, window.left, window.width, interpolation);
  const rows = resizeWeights(source.height, height, window.top, window.height, interpolation);
  // Only the source rows that the second pass reads go through the first.
  const firstRow = rows.starts[0];
  const rowCount = rows.starts[window.height - 1] + rows.counts[window.height - 1] - firstRow;
  const stride = window.width * 3;
  // The last pair of taps may reach, with weight zero, one row further.
  const between = kernels.reserve((rowCount + 1) * stride);
  const out = kernels.reserve(window.height * stride);
  passColumns(
    kernels,
    image,
    { ...source, top: source.top + firstRow, height: rowCount },
    columns,
    window.width,
    between,
  );
  passRows(kernels, rows, firstRow, window.height, stride, between, out);
  return {
    pixels: copyPixels(kernels.bytes(out, window.height * stride)),
    width: window.width,
    height: window.height,
  };
}

/** The part of an image of that size that `resize` to width x height with these options reads. */
export function resizeSource(
  image: { readonly width: number; readonly height: number },
  width: number,
  height: number,
  { interpolation = 'bicubic', source, window }: ResizeOptions = {},
): Box {
  const from = source ?? { top: 0, left: 0, width: image.width, height: image.height };
  const to = window ?? { top: 0, left: 0, width, height };
  const columns = resizeSpan(from.width, width, to.left, to.width, interpolation);
  const rows = resizeSpan(from.height, height, to.top, to.height, interpolation);
  return {
    top: from.top + rows.start,
    left: from.left + columns.start,
    height: rows.end - rows.start,
    width: columns.end - columns.start,
  };
}

function passColumns(
  memory: WasmMemory<ResizeKernels>,
  { pixels, width }: RgbImage,
  box: Box,
  { starts, pairCounts, pairs, maxPairs }: ResizeWeights,
  outWidth: number,
  between: number,
): void {
  // Whole rows are copied at once; their ends, too, unless these are most of it.
  const wholeRows = 2 * box.width >= width;
  const stride = (wholeRows ? width : box.width) * 3;
  const skipped = wholeRows ? box.left * 3 : 0;
  const stripRows = Math.max(1, Math.floor(STRIP_BYTES / stride));
  const [startsAt, countsAt, pairsAt] = [starts, pairCounts, pairs].map((values) => memory.store(values));
  const strip = memory.reserve(Math.min(stripRows, box.height) * stride);
  for (let row = 0; row < box.height; row += stripRows) {
    const rows = Math.min(stripRows, box.height - row);
    const first = ((box.top + row) * width + box.left) * 3 - skipped;
    const target = memory.bytes(strip, rows * stride);
    if (wholeRows) target.set(pixels.subarray(first, first + rows * stride));
    else
      for (let k = 0; k < rows; k++) {
        const start = first + k * width * 3;
        target.set(pixels.subarray(start, start + stride), k * stride);
      }
    const source = strip + skipped;
    const write = between + row * outWidth * 3;
    memory.exports.resizeColumns(
      source,
      stride,
      rows,
      outWidth,
      startsAt,
      countsAt,
      pairsAt,
      maxPairs,
      write,
    );
  }
}

function passRows(
  memory: WasmMemory<ResizeKernels>,
  { starts, pairCounts, pairs, maxPairs }: ResizeWeights,
  firstRow: number,
  outHeight: number,
  stride: number,
  between: number,
  out: number,
): void {
  const shifted = starts.map((start) => start - firstRow);
  const [startsAt, countsAt, pairsAt] = [shifted, pairCounts, pairs].map((values) => memory.store(values));
  memory.exports.resizeRows(between, stride, outHeight, startsAt, countsAt, pairsAt, maxPairs, out);
}
