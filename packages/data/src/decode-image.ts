/**
 * Decoding to the pixels that Pillow's open + convert("RGB") gives: ICC profiles, EXIF orientation and alpha ignored,
 * truncated files refused, corrupt but complete ones accepted. Ordinary JPEG files have a decoder of their own; sharp decodes
 * all others, and where its colours differ, this converts.
 */
import type { RgbImage } from '@revat/augment';
import { RevatError } from '@revat/core';
import type { Sharp, SharpOptions } from 'sharp';

import { decodeBaselineJpeg } from './decode-jpeg.js';
import type { Region } from './image-dataset.js';
import { imageHeader, type ImageHeader } from './image-header.js';

/** Pillow refuses images of twice its limit of 89 million pixels as decompression bombs. */
const MAX_PIXELS = 178_956_970;

const SHARP_OPTIONS: SharpOptions = {
  ignoreIcc: true,
  failOn: 'truncated',
  limitInputPixels: MAX_PIXELS,
  sequentialRead: true,
};

type SharpModule = (input: Uint8Array, options: SharpOptions) => Sharp;

let sharpModule: Promise<SharpModule> | undefined;

/** sharp, loaded on first use: data sets without encoded files do not need it. */
function loadSharp(): Promise<SharpModule> {
  sharpModule ??= import('sharp').then(({ default: sharp }) => {
    // Images are decoded one at a time in each thread; a cache of results and threads within one image only cost.
    sharp.cache(false);
    sharp.concurrency(1);
    return sharp;
  });
  return sharpModule;
}

export interface DecodeOptions {
  /**
   * Whether the pixels, and a file that is read for them, may lie in memory that the next call in this thread overwrites:
   * memory for every image anew costs as much as a third of decoding it. Default false.
   */
  readonly borrowed?: boolean;
  /** No pixels outside are read: they may be anything. Damage there is found all the same. Default the whole image. */
  readonly region?: Region;
}

/**
 * The RGB pixels of an encoded JPEG, PNG, GIF (first frame), WebP or TIFF image; `name` names it in errors.
 * Rejects with 'invalid-file' if Pillow would not decode it either.
 */
export async function decodeImage(
  bytes: Uint8Array,
  name: string,
  { borrowed = false, region }: DecodeOptions = {},
): Promise<RgbImage> {
  if (bytes.length === 0) throw unreadable(name, 'the file is empty');
  const direct = decodeBaselineJpeg(bytes, region);
  if (direct) return borrowed ? direct : { ...direct, pixels: direct.pixels.slice() };
  const header = imageHeader(bytes);
  if (!header) throw unreadable(name, 'it is no JPEG, PNG, GIF, WebP or TIFF image');
  const sharp = await loadSharp();
  for (let attempt = 1; ; attempt++) {
    try {
      return await decodePixels(sharp(bytes, SHARP_OPTIONS), header.storage);
    } catch (cause) {
      // libvips keeps the reasons of all threads in one place: another's success may have wiped this one out.
      const isLost = (cause as Error).message === LOST_REASON && attempt < SHARP_ATTEMPTS;
      if (!isLost) throw unreadable(name, reasonOfSharp(cause), cause);
    }
  }
}

/** What sharp says when libvips gives no reason. */
const LOST_REASON = 'Unknown error';
const SHARP_ATTEMPTS = 5;

async function decodePixels(image: Sharp, storage: ImageHeader['storage']): Promise<RgbImage> {
  if (storage === 'cmyk')
    return fromCmyk(await rawPixels(image.pipelineColourspace('cmyk').toColourspace('cmyk')));
  if (storage === 'gray16') return fromGray16(await rawPixels(image.toColourspace('grey16'), 'ushort'));
  return rawPixels(image.removeAlpha().toColourspace('srgb'));
}

/** How an encoded image stores colour: rgb, gray, cmyk, palette, with "16" for 16 bits and "+alpha" for transparency. */
export async function colorMode(bytes: Uint8Array): Promise<string> {
  const sharp = await loadSharp();
  const { space, depth, hasAlpha, isPalette } = await sharp(bytes, SHARP_OPTIONS).metadata();
  if (isPalette) return 'palette';
  const name = space === 'cmyk' ? 'cmyk' : space === 'b-w' || space === 'grey16' ? 'gray' : 'rgb';
  return `${name}${depth === 'ushort' ? '16' : ''}${hasAlpha ? '+alpha' : ''}`;
}

async function rawPixels(image: Sharp, depth: 'uchar' | 'ushort' = 'uchar'): Promise<RgbImage> {
  const { data, info } = await image.raw({ depth }).toBuffer({ resolveWithObject: true });
  return {
    pixels: new Uint8Array(data.buffer, data.byteOffset, data.length),
    width: info.width,
    height: info.height,
  };
}

/** Pillow's conversion, without colour management: R = (255 - K) - C (255 - K) / 255, rounded. */
function fromCmyk({ pixels, width, height }: RgbImage): RgbImage {
  const rgb = new Uint8Array(width * height * 3);
  for (let read = 0, write = 0; write < rgb.length; read += 4, write += 3) {
    const light = 255 - pixels[read + 3];
    for (let channel = 0; channel < 3; channel++) {
      const product = pixels[read + channel] * light + 128;
      rgb[write + channel] = light - (((product >> 8) + product) >> 8);
    }
  }
  return { pixels: rgb, width, height };
}

/** Pillow's conversion of 16-bit gray: values above 255 become white. */
function fromGray16({ pixels, width, height }: RgbImage): RgbImage {
  const values = new DataView(pixels.buffer, pixels.byteOffset, pixels.length);
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++)
    rgb.fill(Math.min(255, values.getUint16(i * 2, true)), i * 3, i * 3 + 3);
  return { pixels: rgb, width, height };
}

/** libvips' message without its prefixes and repetitions. */
function reasonOfSharp(cause: unknown): string {
  const [line] = String(cause)
    .replace(/^Error: /, '')
    .split('\n');
  return line.replace(/^(Input \w+ has corrupt header: )?(Vips\w+|\w+2vips): /, '');
}

function unreadable(name: string, reason: string, cause?: unknown): RevatError {
  return new RevatError('invalid-file', `${name}: cannot be decoded: ${reason}.`, { cause });
}
