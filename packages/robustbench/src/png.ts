import { crc32, deflateSync } from 'node:zlib';

import { RevatError } from '@revat/core';

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** Gray and RGB, by number of channels (PNG specification, third edition, section 11.2.1). */
const COLOR_TYPES: Readonly<Record<number, number>> = { 1: 0, 3: 2 };

/** Filter 1: each byte minus the one a pixel to its left; 2: minus the one above (section 9.2). 0 leaves a row as it is. */
const FILTERS = [0, 1, 2] as const;

/**
 * An 8-bit PNG of pixels [height, width, channels], channels 1 (gray) or 3 (RGB). Deterministic.
 * Throws 'invalid-argument' for another number of channels or of values.
 */
export function encodePng(pixels: Uint8Array, width: number, height: number, channels: number): Uint8Array {
  const colorType = COLOR_TYPES[channels];
  if (colorType === undefined || pixels.length !== width * height * channels)
    throw new RevatError(
      'invalid-argument',
      `png: ${pixels.length} bytes are no ${width}x${height} image of ${channels} channels. Give 1 or 3 channels.`,
    );
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, colorType, 0, 0, 0], 8);
  const body = deflateSync(filterRows(pixels, width * channels, channels), { level: 9 });
  return Buffer.concat([
    SIGNATURE,
    pngChunk('IHDR', header),
    pngChunk('IDAT', body),
    pngChunk('IEND', new Uint8Array(0)),
  ]);
}

function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const chunk = Buffer.alloc(data.length + 12);
  chunk.writeUInt32BE(data.length, 0);
  chunk.write(type, 4, 'latin1');
  chunk.set(data, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, data.length + 8)), data.length + 8);
  return chunk;
}

/** Every row under the filter that leaves the smallest sum of absolute differences, its number in front (section 12.7). */
function filterRows(pixels: Uint8Array, stride: number, step: number): Uint8Array {
  const rows = pixels.length / stride;
  const filtered = new Uint8Array(rows * (stride + 1));
  for (let row = 0; row < rows; row++) {
    const candidates = FILTERS.map((filter) => filterRow(pixels, row * stride, stride, step, filter));
    const costs = candidates.map((bytes) => bytes.reduce((sum, byte) => sum + Math.min(byte, 256 - byte), 0));
    const best = costs.indexOf(Math.min(...costs));
    filtered[row * (stride + 1)] = FILTERS[best];
    filtered.set(candidates[best], row * (stride + 1) + 1);
  }
  return filtered;
}

function filterRow(
  pixels: Uint8Array,
  start: number,
  stride: number,
  step: number,
  filter: number,
): Uint8Array {
  const row = pixels.slice(start, start + stride);
  if (filter === 1) for (let i = stride - 1; i >= step; i--) row[i] -= row[i - step];
  if (filter === 2 && start > 0) for (let i = 0; i < stride; i++) row[i] -= pixels[start - stride + i];
  return row;
}
