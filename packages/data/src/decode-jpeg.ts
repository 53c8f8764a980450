/**
 * A decoder for ordinary JPEG files: baseline, gray or YCbCr in 4:4:4, 4:2:2 or 4:2:0, intact. Its pixels are libjpeg-turbo's
 * (and so Pillow's) to the bit; it is faster than going through sharp. Everything else is left to sharp.
 */
import type { RgbImage } from '@revat/augment';
import { WasmMemory } from '@revat/core';

import { huffmanLookup } from './huffman-lookup.js';
import { jpegHeaders, type JpegComponent, type JpegHeaders } from './jpeg-headers.js';
import { SOURCE_SHA256, WASM_BASE64 } from './jpeg-wasm.js';

interface JpegKernels {
  unstuff(source: number, length: number, end: number): number;
  decodeScan(
    end: number,
    length: number,
    blocks: number,
    blockCount: number,
    mcusWide: number,
    mcusHigh: number,
  ): number;
  combine(
    luma: number,
    lumaStride: number,
    blue: number,
    red: number,
    chromaStride: number,
    chromaWidth: number,
    chromaHeight: number,
    doubleX: boolean,
    doubleY: boolean,
    width: number,
    height: number,
    scratch: number,
    scratchStride: number,
    out: number,
  ): void;
  combineGray(luma: number, lumaStride: number, width: number, height: number, out: number): void;
}

/** One component's samples in WebAssembly memory. */
interface Plane {
  readonly address: number;
  readonly stride: number;
  /** Size without the padding to whole blocks. */
  readonly width: number;
  readonly height: number;
}

/** Larger images go to sharp, so that a thread's scratch memory stays small. */
const MAX_PIXELS = 1 << 24;
/** Room around a row of samples for the neighbours of its ends and for whole vectors. */
const MARGIN = 32;
const MIN_CHROMA_WIDTH = 3;

let kernels: WasmMemory<JpegKernels> | undefined;

/** The hash of the source that the kernels were compiled from. */
export const JPEG_KERNELS_SHA256 = SOURCE_SHA256;

/**
 * The image, or undefined if the file is unusual or damaged in any way. Its pixels are borrowed: the next call overwrites
 * them.
 */
export function decodeBaselineJpeg(bytes: Uint8Array): RgbImage | undefined {
  const headers = jpegHeaders(bytes);
  if (!headers || headers.width * headers.height > MAX_PIXELS || !hasCommonSampling(headers))
    return undefined;
  kernels ??= new WasmMemory(WASM_BASE64);
  kernels.reset();
  const planes = decodePlanes(kernels, bytes.subarray(headers.scanStart), headers);
  return planes && combine(kernels, planes, headers);
}

function hasCommonSampling({ width, components }: JpegHeaders): boolean {
  if (components.length === 1) return true;
  if (components.length !== 3) return false;
  const [luma, ...chroma] = components;
  if (chroma.some(({ horizontal, vertical }) => horizontal !== 1 || vertical !== 1)) return false;
  if (luma.horizontal === 1) return luma.vertical === 1;
  // libjpeg repeats samples instead of interpolating where there are fewer than three.
  return (
    luma.horizontal === 2 &&
    luma.vertical <= 2 &&
    luma.vertical >= 1 &&
    Math.ceil(width / 2) >= MIN_CHROMA_WIDTH
  );
}

/** The samples of each component, or undefined if the scan is damaged. */
function decodePlanes(
  memory: WasmMemory<JpegKernels>,
  scan: Uint8Array,
  headers: JpegHeaders,
): Plane[] | undefined {
  const { width, height, components } = headers;
  // A single component comes block by block, whatever its sampling factors.
  const [{ horizontal, vertical }] = components.length === 1 ? [{ horizontal: 1, vertical: 1 }] : components;
  const mcusWide = Math.ceil(width / (8 * horizontal));
  const mcusHigh = Math.ceil(height / (8 * vertical));
  const planes: Plane[] = [];
  const blocks: number[] = [];
  for (const [index, component] of components.entries()) {
    const across = index === 0 ? horizontal : 1;
    const down = index === 0 ? vertical : 1;
    const stride = mcusWide * across * 8 + MARGIN;
    const plane = {
      address: memory.reserve(stride * mcusHigh * down * 8 + MARGIN) + MARGIN / 2,
      stride,
      width: Math.ceil((width * across) / horizontal),
      height: Math.ceil((height * down) / vertical),
    };
    const tables = componentTables(memory, component);
    if (!tables) return undefined;
    for (let y = 0; y < down; y++)
      for (let x = 0; x < across; x++)
        blocks.push(...tables, plane.address + y * 8 * stride + x * 8, across * 8, down * 8 * stride, stride);
    planes.push(plane);
  }
  const source = memory.reserve(scan.length);
  const end = memory.reserve(scan.length + MARGIN) + scan.length + MARGIN;
  const blocksAt = memory.store(Int32Array.from(blocks));
  memory.bytes(source, scan.length).set(scan);
  const length = memory.exports.unstuff(source, scan.length, end);
  if (length < 0) return undefined;
  const failed = memory.exports.decodeScan(end, length, blocksAt, blocks.length / 8, mcusWide, mcusHigh);
  return failed ? undefined : planes;
}

/** Addresses of a component's tables: DC, AC, quantization, DC predictor. */
function componentTables(memory: WasmMemory<JpegKernels>, component: JpegComponent): number[] | undefined {
  const dc = huffmanLookup(component.dcTable, 'dc');
  const ac = huffmanLookup(component.acTable, 'ac');
  if (!dc || !ac) return undefined;
  const quantization = new Int32Array(component.quantization.buffer);
  return [dc, ac, quantization, new Int32Array(1)].map((table) => memory.store(table));
}

/** Upsamples the chroma and converts to RGB. */
function combine(
  memory: WasmMemory<JpegKernels>,
  planes: Plane[],
  { width, height, components }: JpegHeaders,
): RgbImage {
  const bytes = width * height * 3;
  const out = memory.reserve(bytes + 64);
  const [luma, blue, red] = planes;
  if (planes.length === 1) memory.exports.combineGray(luma.address, luma.stride, width, height, out);
  else {
    const [{ horizontal, vertical }] = components;
    const scratchStride = 2 * (width + 2 * MARGIN);
    memory.exports.combine(
      luma.address,
      luma.stride,
      blue.address,
      red.address,
      blue.stride,
      blue.width,
      blue.height,
      horizontal === 2,
      vertical === 2,
      width,
      height,
      memory.reserve(3 * scratchStride),
      scratchStride,
      out,
    );
  }
  return { pixels: memory.bytes(out, bytes), width, height };
}
