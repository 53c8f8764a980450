/** The evaluation transform of timm and torchvision: shorter side to a size, then a centre crop. */
import { RevatError } from '@revat/core';

import { resize, resizeSource, type Interpolation } from './resize.js';
import type { Box, RgbImage } from './rgb-image.js';
import { roundHalfEven } from './round-half-even.js';

/** timm's crop_pct and App. A.4 of the paper: the crop keeps 0.875 of the shorter side. */
const CROP_SHARE = 0.875;

export interface EvaluationCropOptions {
  /** The shorter side before the crop; null crops without resizing. Default floor(size / 0.875): 256 for 224. */
  resizeTo?: number | null;
  /** Default 'bicubic'. */
  interpolation?: Interpolation;
}

export interface EvaluationGeometry {
  /** Size after the resize. */
  readonly width: number;
  readonly height: number;
  /** The crop, in the resized image; reaches outside if the resized image is smaller. */
  readonly crop: Box;
}

/** Sizes of the evaluation transform: the longer side is truncated, the crop is centred with ties to even. */
export function evaluationGeometry(
  width: number,
  height: number,
  size: number,
  resizeTo: number | null = Math.floor(size / CROP_SHARE),
): EvaluationGeometry {
  let resized = { width, height };
  if (resizeTo !== null) {
    const longer = (long: number, short: number) => Math.trunc((resizeTo * long) / short);
    resized =
      width <= height
        ? { width: resizeTo, height: longer(height, width) }
        : { width: longer(width, height), height: resizeTo };
  }
  return {
    ...resized,
    crop: {
      top: roundHalfEven((resized.height - size) / 2),
      left: roundHalfEven((resized.width - size) / 2),
      height: size,
      width: size,
    },
  };
}

/**
 * The centre size x size pixels of the image with its shorter side resized. Where the resized image is smaller than the
 * crop, it is padded with black, as torchvision does. Throws 'invalid-argument' unless size and resizeTo are integers >= 1.
 */
export function evaluationCrop(image: RgbImage, size: number, options: EvaluationCropOptions = {}): RgbImage {
  const { interpolation = 'bicubic', resizeTo } = options;
  for (const side of [size, resizeTo ?? 1])
    if (!Number.isInteger(side) || side < 1)
      throw new RevatError('invalid-argument', `evaluationCrop: sizes must be integers >= 1, got ${side}.`);
  const { width, height, crop } = evaluationGeometry(image.width, image.height, size, resizeTo);
  if (width >= size && height >= size) return resize(image, width, height, { interpolation, window: crop });
  return padToCentre(resize(image, width, height, { interpolation }), size);
}

/** The part of a width x height image that `evaluationCrop` reads. */
export function evaluationSource(
  width: number,
  height: number,
  size: number,
  { interpolation, resizeTo }: EvaluationCropOptions = {},
): Box {
  const resized = evaluationGeometry(width, height, size, resizeTo);
  const isInside = resized.width >= size && resized.height >= size;
  if (!isInside) return { top: 0, left: 0, width, height };
  return resizeSource({ width, height }, resized.width, resized.height, {
    interpolation,
    window: resized.crop,
  });
}

/** Black borders up to size (the left and upper one the smaller half), then the centre crop. */
function padToCentre(image: RgbImage, size: number): RgbImage {
  const padLeft = Math.max(0, Math.floor((size - image.width) / 2));
  const padTop = Math.max(0, Math.floor((size - image.height) / 2));
  const cropLeft = Math.max(0, roundHalfEven((image.width - size) / 2));
  const cropTop = Math.max(0, roundHalfEven((image.height - size) / 2));
  const pixels = new Uint8Array(size * size * 3);
  const columns = Math.min(size, image.width);
  for (let y = 0; y < Math.min(size, image.height); y++) {
    const from = ((cropTop + y) * image.width + cropLeft) * 3;
    pixels.set(image.pixels.subarray(from, from + columns * 3), ((padTop + y) * size + padLeft) * 3);
  }
  return { pixels, width: size, height: size };
}
