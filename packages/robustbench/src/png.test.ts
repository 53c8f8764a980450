import { crc32, inflateSync } from 'node:zlib';

import { describe, expect, test } from '@jest/globals';
import { randomStream } from '@revat/core';

import { encodePng } from './png.js';

interface DecodedPng {
  readonly width: number;
  readonly height: number;
  readonly pixels: number[];
}

/** A decoder for the filters 0, 1 and 2, which checks signature and checksums. */
function decodePng(png: Uint8Array, channels: number): DecodedPng {
  const bytes = Buffer.from(png);
  expect([...bytes.subarray(0, 8)]).toEqual([137, 80, 78, 71, 13, 10, 26, 10]);
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const length = bytes.readUInt32BE(at);
    expect(bytes.readUInt32BE(at + 8 + length)).toBe(crc32(bytes.subarray(at + 4, at + 8 + length)));
    chunks.set(bytes.toString('latin1', at + 4, at + 8), bytes.subarray(at + 8, at + 8 + length));
  }
  expect([...chunks.keys()]).toEqual(['IHDR', 'IDAT', 'IEND']);
  const header = chunks.get('IHDR')!;
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  expect([...header.subarray(8)]).toEqual([8, channels === 3 ? 2 : 0, 0, 0, 0]);
  const rows = inflateSync(chunks.get('IDAT')!);
  const stride = width * channels;
  const pixels: number[] = [];
  for (let row = 0; row < height; row++) {
    const filter = rows[row * (stride + 1)];
    for (let i = 0; i < stride; i++) {
      const left = i >= channels ? pixels[row * stride + i - channels] : 0;
      const above = row > 0 ? pixels[(row - 1) * stride + i] : 0;
      pixels.push((rows[row * (stride + 1) + 1 + i] + [0, left, above][filter]) & 255);
    }
  }
  return { width, height, pixels };
}

describe('encodePng', () => {
  test.each([
    [1, 1, 3],
    [5, 3, 1],
    [17, 31, 3],
    [64, 2, 3],
  ])('keeps every value of a %ix%i image of %i channels', (width, height, channels) => {
    const noise = Uint8Array.from(
      randomStream(1).uniforms(width * height * channels),
      (value) => value * 256,
    );
    const slope = noise.map((_, i) => (i * 3) & 255);
    for (const pixels of [noise, slope])
      expect(decodePng(encodePng(pixels, width, height, channels), channels)).toEqual({
        width,
        height,
        pixels: [...pixels],
      });
  });

  test('is much smaller than a smooth image', () => {
    const smooth = Uint8Array.from({ length: 96 * 96 * 3 }, (_, i) => Math.floor(i / 3) % 96);
    expect(encodePng(smooth, 96, 96, 3).length).toBeLessThan(smooth.length / 20);
  });

  test('refuses what is no image', () => {
    expect(() => encodePng(new Uint8Array(7), 2, 2, 3)).toThrow(/7 bytes are no 2x2 image/);
    expect(() => encodePng(new Uint8Array(16), 2, 2, 4)).toThrow(/Give 1 or 3 channels/);
  });
});
