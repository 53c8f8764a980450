/** Calls of assembly/pixels.ts: each copies an image to WebAssembly and its result back. */
import { WasmMemory } from '@revat/core';

import { copyPixels } from './pixel-memory.js';
import { SOURCE_SHA256, WASM_BASE64 } from './pixels-wasm.js';
import type { RgbImage } from './rgb-image.js';

interface PixelKernels {
  mapChannels(source: number, length: number, tables: number, out: number): void;
  histograms(source: number, length: number, counts: number): void;
  mirror(source: number, width: number, height: number, out: number): void;
  blendWithLuma(source: number, length: number, factor: number, gray: number, out: number): void;
  blendWithSmooth(source: number, width: number, height: number, factor: number, out: number): void;
  toFloats(source: number, length: number, out: number): void;
}

/** The hash of the source that the kernels were compiled from. */
export const PIXEL_KERNELS_SHA256 = SOURCE_SHA256;

let kernels: WasmMemory<PixelKernels> | undefined;

/** The memory with the bytes in it: where they lie and room of `outBytes` for a result. */
function prepare(
  pixels: Uint8Array,
  outBytes = pixels.length,
): { memory: WasmMemory<PixelKernels>; source: number; out: number } {
  kernels ??= new WasmMemory(WASM_BASE64);
  kernels.reset();
  const source = kernels.reserve(pixels.length);
  const out = kernels.reserve(outBytes + 64);
  kernels.bytes(source, pixels.length).set(pixels);
  return { memory: kernels, source, out };
}

/** Every byte mapped through its channel's table; `tables` holds 3 x 256 bytes. */
export function mapChannels(image: RgbImage, tables: Uint8Array): RgbImage {
  const { length } = image.pixels;
  const { memory, source, out } = prepare(image.pixels);
  const tablesAt = memory.reserve(tables.length);
  memory.bytes(tablesAt, tables.length).set(tables);
  memory.exports.mapChannels(source, length, tablesAt, out);
  return { ...image, pixels: copyPixels(memory.bytes(out, length)) };
}

/** How often each value occurs: 256 counts for each of the three channels. */
export function histograms({ pixels }: RgbImage): Uint32Array {
  const bytes = 3 * 256 * Uint32Array.BYTES_PER_ELEMENT;
  const { memory, source, out } = prepare(pixels, bytes);
  memory.bytes(out, bytes).fill(0);
  memory.exports.histograms(source, pixels.length, out);
  return new Uint32Array(memory.bytes(out, bytes).slice().buffer);
}

/** Columns reversed. */
export function mirror(image: RgbImage): RgbImage {
  const { memory, source, out } = prepare(image.pixels);
  memory.exports.mirror(source, image.width, image.height, out);
  return { ...image, pixels: copyPixels(memory.bytes(out, image.pixels.length)) };
}

/** luma + factor (v - luma) of every byte in float32, truncated and clamped. */
export function blendWithLuma(image: RgbImage, factor: number): RgbImage {
  const { length } = image.pixels;
  const { memory, source, out } = prepare(image.pixels);
  memory.exports.blendWithLuma(source, length, factor, memory.reserve(length), out);
  return { ...image, pixels: copyPixels(memory.bytes(out, length)) };
}

/** smoothed + factor (v - smoothed) of every byte but the outermost pixels'. */
export function blendWithSmooth(image: RgbImage, factor: number): RgbImage {
  const { memory, source, out } = prepare(image.pixels);
  memory.exports.blendWithSmooth(source, image.width, image.height, factor, out);
  return { ...image, pixels: copyPixels(memory.bytes(out, image.pixels.length)) };
}

/** Writes byte / 255 of every byte to `out`, in float32. */
export function toFloats(pixels: Uint8Array, out: Float32Array): void {
  const { memory, source, out: floats } = prepare(pixels, pixels.length * Float32Array.BYTES_PER_ELEMENT);
  memory.exports.toFloats(source, pixels.length, floats);
  const bytes = memory.bytes(floats, pixels.length * Float32Array.BYTES_PER_ELEMENT);
  out.set(new Float32Array(bytes.buffer, bytes.byteOffset, pixels.length));
}
