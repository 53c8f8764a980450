/** The package's JPEG decoder against libjpeg-turbo (through sharp). */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';
import { randomStream } from '@revat/core';
import sharp from 'sharp';

import { decodeImage } from '../src/decode-image.js';
import { decodeBaselineJpeg, JPEG_KERNELS_SHA256 } from '../src/decode-jpeg.js';
import { fixture } from './fixture-paths.js';

async function reference(bytes: Uint8Array): Promise<Buffer | undefined> {
  try {
    return await sharp(bytes, { ignoreIcc: true, failOn: 'truncated' })
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer();
  } catch {
    return undefined;
  }
}

/** Blobs with noise: all frequencies, saturated and flat parts. */
function picture(width: number, height: number, seed: number): Buffer {
  const stream = randomStream(seed, 'picture');
  const waves = Array.from({ length: 6 }, () => [
    stream.normal(),
    stream.normal(),
    stream.normal(),
    90 * stream.normal(),
  ]);
  const noise = seed % 3 === 0 ? 60 : 0;
  return Buffer.from(
    Uint8ClampedArray.from({ length: width * height * 3 }, (_, i) => {
      const channel = i % 3;
      const x = (((i - channel) / 3) % width) / 9;
      const y = Math.floor(i / (3 * width)) / 9;
      const value = waves.reduce(
        (sum, [u, v, phase, size]) => sum + size * Math.sin(u * x + v * y + phase * channel),
        128,
      );
      return value + (noise && noise * (stream.uniform() - 0.5));
    }),
  );
}

describe('equals libjpeg-turbo to the bit', () => {
  const sizes = [[5, 1], [6, 9], [8, 8], [16, 16], [17, 33], [31, 15], [100, 75], [129, 64], [255, 40]]; // prettier-ignore
  test.each(sizes.map(([width, height]) => [width, height] as const))('%i x %i', async (width, height) => {
    for (const [seed, quality] of [10, 50, 75, 90, 95, 100].entries()) {
      for (const chromaSubsampling of ['4:2:0', '4:4:4']) {
        for (const gray of [false, true]) {
          const image = sharp(picture(width, height, seed), { raw: { width, height, channels: 3 } });
          const jpeg = await (gray ? image.toColourspace('b-w') : image)
            .jpeg({ quality, chromaSubsampling, optimiseCoding: seed % 2 === 0 })
            .toBuffer();
          const decoded = decodeBaselineJpeg(jpeg);
          expect([decoded?.width, decoded?.height]).toEqual([width, height]);
          expect(Buffer.compare(decoded!.pixels, (await reference(jpeg))!)).toBe(0);
        }
      }
    }
  });
});

test.each([
  'progressive.JPEG',
  'cmyk.JPEG',
  'truncated.JPEG',
  'no_eoi.JPEG',
  'corrupt_scan.JPEG',
  'png_named.JPEG',
  'text.JPEG',
  'zero_bytes.JPEG',
])('leaves %s to sharp', (name) => {
  expect(decodeBaselineJpeg(readFileSync(fixture('bad', name)))).toBeUndefined();
});

const AUGMENT_FIXTURES = join(__dirname, '../../augment/test/fixtures');
const { cases: PHOTOGRAPHS } = JSON.parse(readFileSync(join(AUGMENT_FIXTURES, 'jpeg.json'), 'utf8')) as {
  cases: { file: string; size_wh: [number, number]; sha256_of_full_rgb_bytes: string }[];
};

test.each(PHOTOGRAPHS)('$file: the pixels of Pillow', ({ file, size_wh, sha256_of_full_rgb_bytes }) => {
  const bytes = readFileSync(join(AUGMENT_FIXTURES, file));
  const { pixels, width, height } = decodeBaselineJpeg(bytes)!;
  expect([width, height]).toEqual(size_wh);
  expect(createHash('sha256').update(pixels).digest('hex')).toBe(sha256_of_full_rgb_bytes);
});

describe('of a region: the same pixels inside', () => {
  const stream = randomStream(0, 'regions');
  const between = (low: number, high: number) => low + stream.integer(high - low);

  /** Decodes a region of random place and size, after another image, whose pixels must not show. */
  function compareRegion(jpeg: Buffer, other: Buffer): void {
    const { width, height, ...whole } = decodeBaselineJpeg(jpeg)!;
    const expected = whole.pixels.slice();
    const [left, top] = [stream.integer(width), stream.integer(height)];
    const box = { left, top, width: between(1, width - left + 1), height: between(1, height - top + 1) };
    decodeBaselineJpeg(other);
    const decoded = decodeBaselineJpeg(jpeg, (...size) => {
      expect(size).toEqual([width, height]);
      return box;
    })!;
    expect([decoded.width, decoded.height, decoded.pixels.length]).toEqual([width, height, expected.length]);
    for (let y = top; y < top + box.height; y++) {
      const row = [y * width + left, y * width + left + box.width].map((pixel) => pixel * 3);
      expect(Buffer.compare(decoded.pixels.subarray(...row), expected.subarray(...row))).toBe(0);
    }
  }

  test('gray, 4:2:0 and 4:4:4', async () => {
    const encode = (width: number, height: number, round: number) => {
      const image = sharp(picture(width, height, round), { raw: { width, height, channels: 3 } });
      const chromaSubsampling = round % 2 === 0 ? '4:2:0' : '4:4:4';
      return (round % 5 === 0 ? image.toColourspace('b-w') : image)
        .jpeg({ quality: 85, chromaSubsampling })
        .toBuffer();
    };
    const other = await encode(90, 90, 1);
    for (let round = 0; round < 150; round++)
      compareRegion(await encode(between(5, 90), between(1, 90), round), other);
  });

  test('4:2:2', () => {
    const [other, , jpeg] = PHOTOGRAPHS.map(({ file }) => readFileSync(join(AUGMENT_FIXTURES, file)));
    for (let round = 0; round < 50; round++) compareRegion(jpeg, other);
  });
});

test('damaged files: what it decodes is what libjpeg-turbo decodes, and a failure leaves no trace', async () => {
  const good = readFileSync(fixture('bad', 'small_420.JPEG'));
  const expected = (await reference(good))!;
  const stream = randomStream(0, 'damage');
  let decodedAnyway = 0;
  for (let round = 0; round < 400; round++) {
    const damaged = Buffer.from(good);
    for (let k = 0; k <= round % 4; k++) damaged[2 + stream.integer(good.length - 2)] = stream.integer(256);
    const bytes = damaged.subarray(0, round % 5 === 0 ? stream.integer(good.length) : good.length);
    const corner = decodeBaselineJpeg(bytes, () => ({ left: 0, top: 0, width: 1, height: 1 }));
    const decoded = decodeBaselineJpeg(bytes);
    // Damage is found wherever it is.
    expect(corner === undefined).toBe(decoded === undefined);
    if (decoded) {
      const other = await reference(bytes);
      if (other) {
        decodedAnyway++;
        expect(Buffer.compare(decoded.pixels, other)).toBe(0);
      }
    }
    expect(Buffer.compare(decodeBaselineJpeg(good)!.pixels, expected)).toBe(0);
  }
  expect(decodedAnyway).toBeGreaterThan(20);
});

test('tables of their own for all three components are left to sharp', async () => {
  const bytes = Buffer.from(readFileSync(fixture('bad', 'small_420.JPEG')));
  expect(decodeBaselineJpeg(bytes)).toBeDefined();
  // The last component's quantization table in the frame header: that of luma, with the Huffman tables of chroma.
  bytes[bytes.indexOf('ffc0', 0, 'hex') + 18] = 0;
  expect(decodeBaselineJpeg(bytes)).toBeUndefined();
  const { pixels } = await decodeImage(bytes, 'three tables');
  expect(Buffer.compare(pixels, (await reference(bytes))!)).toBe(0);
});

test('coefficients too large for a picture: the pixels of libjpeg-turbo or none', async () => {
  const stream = randomStream(0, 'stripes');
  const outcomes = new Set<boolean>();
  for (let round = 0; round < 40; round++) {
    // Stripes have all their coefficients in one row: libjpeg-turbo takes a short cut there, which overflows in its own way.
    const stripes = Array.from({ length: 32 }, () => stream.integer(256));
    const pixels = Buffer.from(Array.from({ length: 32 * 32 }, (_, i) => stripes[i % 32]));
    const image = sharp(pixels, { raw: { width: 32, height: 32, channels: 1 } });
    const bytes = await image.jpeg({ quality: 100 }).toBuffer();
    const divisor = 1 + stream.integer(60);
    for (let at = bytes.indexOf('ffdb', 0, 'hex'); at >= 0; at = bytes.indexOf('ffdb', at + 1, 'hex'))
      bytes.fill(divisor, at + 5, at + 5 + 64);
    const decoded = decodeBaselineJpeg(bytes);
    outcomes.add(decoded === undefined);
    if (decoded) expect(Buffer.compare(decoded.pixels, (await reference(bytes))!)).toBe(0);
  }
  expect(outcomes.size).toBe(2);
});

test('the compiled kernels are those of the sources', () => {
  const folder = join(__dirname, '../assembly');
  const hash = createHash('sha256');
  for (const name of readdirSync(folder).sort()) hash.update(readFileSync(join(folder, name)));
  expect(hash.digest('hex')).toBe(JPEG_KERNELS_SHA256);
});
