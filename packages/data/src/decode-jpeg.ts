/**
 * A decoder for ordinary JPEG files: baseline, gray or YCbCr in 4:4:4, 4:2:2 or 4:2:0, intact. Its pixels are libjpeg-turbo's
 * (and so Pillow's) to the bit; it is faster than going through sharp. Everything else is left to sharp.
 */
import type { RgbImage } from '@revat/augment';
import { WasmMemory } from '@revat/core';

import { coefficientDivisors } from './coefficient-divisors.js';
import type { Region } from './image-dataset.js';
import { jpegHeaders, type HuffmanTable, type JpegComponent, type JpegHeaders } from './jpeg-headers.js';
import { SOURCE_SHA256, WASM_BASE64 } from './jpeg-wasm.js';
import { mcuGrid, type McuGrid } from './mcu-grid.js';

interface JpegKernels {
  readonly AC_TABLES: WebAssembly.Global<'i32'>;
  prepareCodes(source: number, length: number, isAc: boolean, table: number): number;
  preparePairs(table: number, maxSize: number, scratch: number): void;
  unstuff(source: number, length: number, end: number): number;
  decodeScan(
    end: number,
    length: number,
    blocks: number,
    blockCount: number,
    mcusWide: number,
    mcusHigh: number,
    left: number,
    top: number,
    right: number,
    bottom: number,
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
    outStride: number,
  ): void;
  combineGray(
    luma: number,
    lumaStride: number,
    width: number,
    height: number,
    out: number,
    outStride: number,
  ): void;
}

/** One component's samples in WebAssembly memory. */
interface Plane {
  readonly address: number;
  readonly stride: number;
  /** Blocks of an MCU in x and in y. */
  readonly across: number;
  readonly down: number;
  /** Size without the padding to whole blocks. */
  readonly width: number;
  readonly height: number;
}

/** Larger images go to sharp, so that a thread's scratch memory stays small. */
const MAX_PIXELS = 1 << 24;
/** Room around a row of samples for the neighbours of its ends and for whole vectors. */
const MARGIN = 32;
const MIN_CHROMA_WIDTH = 3;
/** AC tables that `decodeScan` knows, one behind the other; more than one for luma and one for chroma are rare. */
const AC_TABLE_COUNT = 2;
const AC_TABLE_BYTES = 29296;
/** Of them, and of a DC table, the part with the codes. */
const CODES_BYTES = 4416;
/** Room to make an AC table. */
const SCRATCH_BYTES = 3 * (8192 + 32);
/** Larger ones are checked one by one. */
const MAX_COEFFICIENT = 8192;
/** What `decodeScan` is told of each block of an MCU. */
const BLOCK_FIELDS = 7;

let kernels: WasmMemory<JpegKernels> | undefined;

/** The hash of the source that the kernels were compiled from. */
export const JPEG_KERNELS_SHA256 = SOURCE_SHA256;

/**
 * The image, or undefined if the file is unusual or damaged in any way. Its pixels are borrowed: the next call overwrites
 * them. Outside `region` they may be anything; damage is found there all the same.
 */
export function decodeBaselineJpeg(bytes: Uint8Array, region?: Region): RgbImage | undefined {
  const headers = jpegHeaders(bytes);
  if (!headers || headers.width * headers.height > MAX_PIXELS || !hasCommonSampling(headers))
    return undefined;
  kernels ??= new WasmMemory(WASM_BASE64);
  kernels.reset();
  const grid = mcuGrid(headers, region);
  const planes = decodePlanes(kernels, bytes.subarray(headers.scanStart), headers, grid);
  return planes && combine(kernels, planes, headers, grid);
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
  { width, height, components }: JpegHeaders,
  { mcuWidth, mcuHeight, columns, rows, left, top, right, bottom }: McuGrid,
): Plane[] | undefined {
  const planes: Plane[] = [];
  const blocks: number[] = [];
  const stored: StoredTables = { dc: new Map(), ac: [] };
  for (const [index, component] of components.entries()) {
    // Blocks of an MCU: one of each chroma component, and of luma as many as make its size.
    const across = index === 0 ? mcuWidth / 8 : 1;
    const down = index === 0 ? mcuHeight / 8 : 1;
    const stride = columns * across * 8 + MARGIN;
    const plane = {
      address: memory.reserve(stride * rows * down * 8 + MARGIN) + MARGIN / 2,
      stride,
      across,
      down,
      width: Math.ceil((width * across * 8) / mcuWidth),
      height: Math.ceil((height * down * 8) / mcuHeight),
    };
    const tables = componentTables(memory, component, stored);
    if (!tables) return undefined;
    for (let y = 0; y < down; y++)
      for (let x = 0; x < across; x++)
        blocks.push(...tables, plane.address + y * 8 * stride + x * 8, across * 8, down * 8 * stride, stride);
    planes.push(plane);
  }
  const source = memory.reserve(scan.length);
  const end = memory.reserve(scan.length + MARGIN) + scan.length + MARGIN;
  const blocksAt = memory.store(new Int32Array(blocks));
  memory.bytes(source, scan.length).set(scan);
  const { exports } = memory;
  const length = exports.unstuff(source, scan.length, end);
  if (length < 0) return undefined;
  const mcu = [blocksAt, blocks.length / BLOCK_FIELDS] as const;
  const failed = exports.decodeScan(end, length, ...mcu, columns, rows, left, top, right, bottom);
  return failed ? undefined : planes;
}

/** Tables that are in memory already. */
interface StoredTables {
  /** Addresses. */
  readonly dc: Map<HuffmanTable, number>;
  /** By their number: where they are is fixed. */
  readonly ac: { readonly table: HuffmanTable; readonly quantization: Uint16Array }[];
}

/**
 * A component's tables: the address of the DC table, the number of the AC table with the divisors, the address of the DC
 * predictor. Tables that components share are stored once. Undefined if one is wrong or they are too many.
 */
function componentTables(
  memory: WasmMemory<JpegKernels>,
  { dcTable, acTable, quantization }: JpegComponent,
  { dc, ac }: StoredTables,
): number[] | undefined {
  if (!dc.has(dcTable)) {
    const address = memory.reserve(CODES_BYTES);
    if (!prepareCodes(memory, dcTable, false, address)) return undefined;
    dc.set(dcTable, address);
  }
  let number = ac.findIndex((known) => known.table === acTable && known.quantization === quantization);
  if (number < 0) {
    number = ac.push({ table: acTable, quantization }) - 1;
    const address = memory.exports.AC_TABLES.value + number * AC_TABLE_BYTES;
    if (number === AC_TABLE_COUNT || !prepareCodes(memory, acTable, true, address)) return undefined;
    memory.exports.preparePairs(address, maxSize(quantization), memory.reserve(SCRATCH_BYTES));
    memory.write(address + CODES_BYTES, coefficientDivisors(quantization));
  }
  return [dc.get(dcTable)!, number, memory.store(new Int32Array(1))];
}

/** Makes a table of codes at an address. False if it is not as the standard says. */
function prepareCodes(
  memory: WasmMemory<JpegKernels>,
  table: HuffmanTable,
  isAc: boolean,
  address: number,
): boolean {
  const source = memory.reserve(table.length);
  memory.bytes(source, table.length).set(table);
  return memory.exports.prepareCodes(source, table.length, isAc, address) !== 0;
}

/** Bits of values that, whatever they are multiplied by, are no coefficients too large for a picture. */
function maxSize(quantization: Uint16Array): number {
  let largest = 1;
  for (let k = 1; k < quantization.length; k++) largest = Math.max(largest, quantization[k]);
  return Math.floor(Math.log2(MAX_COEFFICIENT / largest));
}

/** Upsamples the chroma and converts to RGB, the needed MCUs as if they were the image: only their outermost pixels see that. */
function combine(
  memory: WasmMemory<JpegKernels>,
  planes: Plane[],
  { width, height }: JpegHeaders,
  { mcuWidth, mcuHeight, left, top, right, bottom }: McuGrid,
): RgbImage {
  const bytes = width * height * 3;
  const pixels = memory.reserve(bytes + 64);
  const outStride = width * 3;
  const out = pixels + top * mcuHeight * outStride + left * mcuWidth * 3;
  const part = {
    width: Math.min(width, right * mcuWidth) - left * mcuWidth,
    height: Math.min(height, bottom * mcuHeight) - top * mcuHeight,
  };
  const [luma, blue, red] = planes;
  const start = ({ address, stride, across, down }: Plane) =>
    address + top * down * 8 * stride + left * across * 8;
  if (planes.length === 1)
    memory.exports.combineGray(start(luma), luma.stride, part.width, part.height, out, outStride);
  else {
    const scratchStride = 2 * (width + 2 * MARGIN);
    memory.exports.combine(
      start(luma),
      luma.stride,
      start(blue),
      start(red),
      blue.stride,
      Math.min(blue.width, right * 8) - left * 8,
      Math.min(blue.height, bottom * 8) - top * 8,
      mcuWidth === 16,
      mcuHeight === 16,
      part.width,
      part.height,
      memory.reserve(2 * scratchStride),
      scratchStride,
      out,
      outStride,
    );
  }
  return { pixels: memory.bytes(pixels, bytes), width, height };
}
