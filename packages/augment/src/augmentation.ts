import { RevatError } from '@revat/core';

import {
  augmentationOptions,
  type AugmentationName,
  type AugmentationOptions,
  type ColorJitterOptions,
  type CropOptions,
} from './augmentation-options.js';
import { colorJitter } from './color-jitter.js';
import type { Draws } from './draws.js';
import { evaluationCrop, evaluationSource } from './evaluation-crop.js';
import { flipHorizontally } from './flip.js';
import { mixImages, mixTargets } from './mixing.js';
import { checkRandAugment, parseRandAugment } from './parse-rand-augment.js';
import { toFloats } from './pixel-kernels.js';
import { withReusedPixels } from './pixel-memory.js';
import { randAugment } from './rand-augment.js';
import { randomErasing } from './random-erasing.js';
import { randomResizedCropBox } from './random-resized-crop.js';
import { resize } from './resize.js';
import type { Box, RgbImage } from './rgb-image.js';
import { simpleRandomCrop } from './simple-random-crop.js';

/** A prepared augmentation: what happens to each image, and then to each batch. */
export interface Augmentation {
  readonly options: AugmentationOptions;
  readonly imageSize: number;
  /**
   * The part of a width x height image that `bytes` and `image` read when given the same draws: the rest need not be decoded.
   */
  source(width: number, height: number, draws: Draws): Box;
  /** Crop, flip, colour jitter, RandAugment: imageSize x imageSize bytes. The result may share the image's pixels. */
  bytes(image: RgbImage, draws: Draws): RgbImage;
  /** Writes `bytes` / 255, then erased, into `out`: [S, S, 3] float32. */
  image(image: RgbImage, draws: Draws, out: Float32Array): void;
  /**
   * Mixes `images` [B, S, S, 3] in place; the soft targets [B, numClasses], or undefined where the augmentation neither
   * mixes nor smooths.
   */
  batch(
    images: Float32Array,
    labels: ArrayLike<number>,
    numClasses: number,
    draws: Draws,
  ): Float32Array | undefined;
}

const SCALE = [0.08, 1] as const;
const RATIO = [3 / 4, 4 / 3] as const;

/**
 * An augmentation for images of imageSize x imageSize.
 * Throws a RevatError for options that make no sense, before any image is touched.
 */
export function createAugmentation(
  choice: AugmentationName | AugmentationOptions,
  imageSize: number,
): Augmentation {
  const options = augmentationOptions(choice);
  checkOptions(options, imageSize);
  const { flip = 0, erasing, mixing, labelSmoothing = 0 } = options;
  const jitter = jitterOptions(options.colorJitter);
  const operations =
    typeof options.randAugment === 'string' ? parseRandAugment(options.randAugment) : options.randAugment;
  if (operations) checkRandAugment(operations);

  const bytes = (image: RgbImage, draws: Draws): RgbImage => {
    let result = applyCrop(image, options.crop, imageSize, draws);
    if (flip > 0 && draws.uniform() < flip) result = flipHorizontally(result);
    if (jitter) result = colorJitter(result, jitter, draws);
    return operations ? randAugment(result, operations, draws) : result;
  };
  return {
    options,
    imageSize,
    source: (width, height, draws) => cropSource(width, height, options.crop, imageSize, draws),
    bytes,
    image(image, draws, out) {
      withReusedPixels(() => toFloats(bytes(image, draws).pixels, out));
      if (erasing) randomErasing(out, imageSize, imageSize, erasing, draws);
    },
    batch(images, labels, numClasses, draws) {
      if (!mixing && labelSmoothing === 0) return undefined;
      const shape = [labels.length, imageSize, imageSize, 3] as const;
      const { lambda } = mixing ? mixImages(images, shape, mixing, draws) : { lambda: 1 };
      return mixTargets(labels, numClasses, lambda, labelSmoothing);
    },
  };
}

function applyCrop(image: RgbImage, crop: CropOptions, size: number, draws: Draws): RgbImage {
  const { interpolation = 'bicubic' } = crop;
  switch (crop.kind) {
    case 'random-resized': {
      const source = cropSource(image.width, image.height, crop, size, draws);
      return resize(image, size, size, { interpolation, source });
    }
    case 'simple-random':
      return simpleRandomCrop(image, size, draws, interpolation);
    case 'centre':
      return evaluationCrop(image, size, { resizeTo: crop.resizeTo, interpolation });
    case 'stretch':
      if (image.width === size && image.height === size) return image;
      return resize(image, size, size, { interpolation });
  }
}

function cropSource(width: number, height: number, crop: CropOptions, size: number, draws: Draws): Box {
  switch (crop.kind) {
    case 'random-resized': {
      const { scale = SCALE, ratio = RATIO } = crop;
      return randomResizedCropBox(width, height, { scale, ratio }, draws);
    }
    case 'centre':
      return evaluationSource(width, height, size, crop);
    case 'simple-random':
    case 'stretch':
      return { top: 0, left: 0, width, height };
  }
}

function jitterOptions(choice: number | ColorJitterOptions | undefined): ColorJitterOptions | undefined {
  if (typeof choice !== 'number') return choice;
  return choice > 0 ? { brightness: choice, contrast: choice, saturation: choice } : undefined;
}

function checkOptions(options: AugmentationOptions, imageSize: number): void {
  const { crop, flip = 0, erasing, mixing, labelSmoothing = 0 } = options;
  requireThat(
    Number.isInteger(imageSize) && imageSize >= 1,
    `imageSize must be an integer >= 1, got ${imageSize}`,
  );
  const kinds = ['random-resized', 'centre', 'simple-random', 'stretch'];
  requireThat(
    kinds.includes(crop?.kind),
    `crop.kind must be one of ${kinds.join(', ')}, got ${String(crop?.kind)}`,
  );
  if (crop.kind === 'random-resized') {
    checkRange('crop.scale', crop.scale ?? SCALE, 1);
    checkRange('crop.ratio', crop.ratio ?? RATIO, Infinity);
  }
  checkShare('flip', flip);
  checkShare('labelSmoothing', labelSmoothing);
  const jitter = jitterOptions(options.colorJitter) ?? {};
  for (const [name, strength] of Object.entries(jitter))
    requireThat(
      strength >= 0 && strength <= (name === 'hue' ? 0.5 : 10),
      `colorJitter.${name} is out of range, got ${strength}`,
    );
  if (erasing) {
    checkShare('erasing.probability', erasing.probability);
    checkRange('erasing.scale', erasing.scale ?? [0.02, 1 / 3], 1);
    checkRange('erasing.ratio', erasing.ratio ?? [0.3, 1 / 0.3], Infinity);
  }
  if (mixing) {
    checkShare('mixing.probability', mixing.probability ?? 1);
    checkShare('mixing.switchProbability', mixing.switchProbability ?? 0.5);
    for (const alpha of [mixing.mixup, mixing.cutmix])
      requireThat(
        alpha >= 0 && Number.isFinite(alpha),
        `mixing.mixup and mixing.cutmix must be >= 0, got ${alpha}`,
      );
  }
}

function checkShare(name: string, value: number): void {
  requireThat(value >= 0 && value <= 1, `${name} must be from 0 to 1, got ${value}`);
}

function checkRange(name: string, [low, high]: readonly [number, number], limit: number): void {
  requireThat(
    low > 0 && low <= high && high <= limit,
    `${name} must be [low, high] with 0 < low <= high, got [${low}, ${high}]`,
  );
}

function requireThat(condition: boolean, reason: string): void {
  if (!condition) throw new RevatError('invalid-argument', `augmentation: ${reason}.`);
}
