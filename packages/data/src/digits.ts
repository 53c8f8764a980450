/**
 * The bundled handwritten digits: "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak, UCI, 1998), CC BY 4.0;
 * see digits/LICENSE.md. 1797 images of 8x8 with 17 gray levels.
 */
import { readFileSync } from 'node:fs';

import { resize } from '@revat/augment';
import { randomStream, RevatError } from '@revat/core';

import type { ImageDataset, ImageSample } from './image-dataset.js';

export interface DigitsOptions {
  /** Height and width of the images; default 32. */
  imageSize?: number;
  /** 'train': 1297 images, 'test': 500 (50 of each class), 'all': 1797. Default 'train'. */
  split?: 'train' | 'test' | 'all';
}

const COUNT = 1797;
const SIDE = 8;
const LEVELS = 16;
const TEST_IMAGES_PER_CLASS = 50;
const CLASS_NAMES = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];

/**
 * The handwritten digits as RGB images of imageSize x imageSize, enlarged with PIL's bicubic resize, white on black.
 * The split is fixed: in a permutation seeded with 0, the first 50 images of each class are the test set. Ids are rows of
 * the original file. Throws 'invalid-argument' for a size below 8 or an unknown split.
 */
export function digits({ imageSize = 32, split = 'train' }: DigitsOptions = {}): ImageDataset {
  if (!Number.isInteger(imageSize) || imageSize < SIDE || imageSize > 1024)
    throw new RevatError(
      'invalid-argument',
      `digits: imageSize must be an integer from 8 to 1024, got ${imageSize}. Try 32.`,
    );
  if (!['train', 'test', 'all'].includes(split))
    throw new RevatError('invalid-argument', `digits: unknown split "${split}". Use train, test or all.`);

  const levels = readBundled('digits.bin', COUNT * SIDE * SIDE);
  const labels = readBundled('labels.bin', COUNT);
  const rows = splitRows(labels, split);
  const enlarged = new Map<number, ImageSample>();
  return {
    name: `digits-${split}`,
    length: rows.length,
    classNames: CLASS_NAMES,
    immutable: true,
    sample(index, { readOnly = false } = {}) {
      const id = rows[index];
      if (id === undefined)
        throw new RevatError('invalid-argument', `digits: no sample ${index}, there are ${rows.length}.`);
      let sample = enlarged.get(id);
      if (!sample) {
        const image = {
          pixels: grayToRgb(levels.subarray(id * SIDE * SIDE, (id + 1) * SIDE * SIDE)),
          width: SIDE,
          height: SIDE,
        };
        sample = { ...resize(image, imageSize, imageSize), label: labels[id], id };
        enlarged.set(id, sample);
      }
      return readOnly ? sample : { ...sample, pixels: sample.pixels.slice() };
    },
  };
}

function readBundled(file: string, bytes: number): Uint8Array {
  const url = new URL(`../digits/${file}`, import.meta.url);
  let content: Uint8Array;
  try {
    content = readFileSync(url);
  } catch (cause) {
    throw new RevatError('not-found', `digits: ${url.pathname} is missing. Install @revat/data again.`, {
      cause,
    });
  }
  if (content.length === bytes) return content;
  throw new RevatError(
    'invalid-file',
    `digits: ${url.pathname} has ${content.length} bytes instead of ${bytes}. Install @revat/data again.`,
  );
}

function splitRows(labels: Uint8Array, split: 'train' | 'test' | 'all'): number[] {
  const order = Array.from(randomStream(0, 'digits-split').permutation(COUNT));
  if (split === 'all') return order;
  const seen = new Array<number>(CLASS_NAMES.length).fill(0);
  return order.filter((row) => seen[labels[row]]++ < TEST_IMAGES_PER_CLASS === (split === 'test'));
}

function grayToRgb(levels: Uint8Array): Uint8Array {
  const pixels = new Uint8Array(levels.length * 3);
  for (let i = 0; i < levels.length; i++)
    pixels.fill(Math.round((levels[i] * 255) / LEVELS), i * 3, i * 3 + 3);
  return pixels;
}
