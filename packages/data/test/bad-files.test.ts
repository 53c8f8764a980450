/** Awkward files: accepted or refused as Pillow does, to the pixel. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

import { describe, expect, test } from '@jest/globals';
import sharp from 'sharp';

import { decodeImage } from '../src/decode-image.js';
import { fixture } from './fixture-paths.js';

interface BadFile {
  file: string;
  what: string;
  valid: boolean;
  size_wh?: [number, number];
  sha256_rgb?: string;
}

const { files } = JSON.parse(readFileSync(fixture('bad', 'manifest.json'), 'utf8')) as { files: BadFile[] };
const archive = gunzipSync(readFileSync(fixture('bad', 'expected.safetensors.gz')));
const headerLength = Number(archive.readBigUInt64LE(0));
const header = JSON.parse(archive.toString('utf8', 8, 8 + headerLength)) as Record<
  string,
  { data_offsets: [number, number] }
>;

function expectedPixels(file: string): Buffer {
  const [start, end] = header[file].data_offsets;
  return archive.subarray(8 + headerLength + start, 8 + headerLength + end);
}

const accepted = files.filter(({ valid }) => valid);
const refused = files.filter(({ valid }) => !valid);

test('there are 28 files, 6 of them refused', () => {
  expect([files.length, refused.length]).toEqual([28, 6]);
});

test.each(accepted.map((file) => [file.file, file] as const))(
  '%s has Pillow’s pixels',
  async (name, { size_wh, sha256_rgb }) => {
    const { pixels, width, height } = await decodeImage(readFileSync(fixture('bad', name)), name);
    expect([width, height]).toEqual(size_wh);
    expect(Buffer.compare(pixels, expectedPixels(name))).toBe(0);
    expect(createHash('sha256').update(pixels).digest('hex')).toBe(sha256_rgb);
  },
);

test.each(refused.map(({ file }) => file))('%s is refused by name and reason', async (name) => {
  const decoding = decodeImage(readFileSync(fixture('bad', name)), name);
  await expect(decoding).rejects.toMatchObject({ code: 'invalid-file' });
  await expect(decodeImage(readFileSync(fixture('bad', name)), name)).rejects.toThrow(
    `${name}: cannot be decoded: `,
  );
});

describe('other formats', () => {
  test('SVG, which sharp would draw, is refused', async () => {
    const svg = Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"><rect width="4" height="4"/></svg>',
    );
    await expect(decodeImage(svg, 'drawing.svg')).rejects.toThrow(
      'it is no JPEG, PNG, GIF, WebP or TIFF image',
    );
  });

  test('a truncated PNG is refused', async () => {
    const png = readFileSync(fixture('bad', 'rgb16.png'));
    await expect(decodeImage(png.subarray(0, png.length / 2), 'half.png')).rejects.toMatchObject({
      code: 'invalid-file',
    });
  });

  test.each(['webp', 'tiff', 'gif'] as const)('lossless %s keeps its pixels', async (format) => {
    const pixels = Uint8Array.from({ length: 8 * 6 * 3 }, (_, i) => ((i % 5) * 50) & 255);
    const image = sharp(pixels, { raw: { width: 8, height: 6, channels: 3 } });
    const encoded = await {
      webp: image.webp({ lossless: true }),
      tiff: image.tiff({ compression: 'none' }),
      gif: image.gif(),
    }[format].toBuffer();
    expect(Buffer.compare((await decodeImage(encoded, format)).pixels, pixels)).toBe(0);
  });
});
