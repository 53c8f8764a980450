import {
  augmentationOptions,
  type AugmentationName,
  type AugmentationOptions,
  type CropOptions,
} from './augmentation-options.js';
import type { Draws } from './draws.js';
import { evaluationCrop } from './evaluation-crop.js';
import { flipHorizontally } from './flip.js';
import { randomResizedCropBox } from './random-resized-crop.js';
import { resize } from './resize.js';
import type { RgbImage } from './rgb-image.js';

/** A prepared augmentation: what happens to each image, and then to each batch. */
export interface Augmentation {
  readonly options: AugmentationOptions;
  readonly imageSize: number;
  /** The image as imageSize x imageSize bytes, before it becomes floats. The result may share the image's pixels. */
  bytes(image: RgbImage, draws: Draws): RgbImage;
  /** Writes the augmented image into `out`, [S, S, 3] float32. */
  image(image: RgbImage, draws: Draws, out: Float32Array): void;
}

const SCALE = [0.08, 1] as const;
const RATIO = [3 / 4, 4 / 3] as const;

/** An augmentation for images of imageSize x imageSize. Throws a RevatError for options that make no sense. */
export function createAugmentation(
  choice: AugmentationName | AugmentationOptions,
  imageSize: number,
): Augmentation {
  const options = augmentationOptions(choice);
  const bytes = (image: RgbImage, draws: Draws): RgbImage => {
    let result = applyCrop(image, options.crop, imageSize, draws);
    if (options.flip && draws.uniform() < options.flip) result = flipHorizontally(result);
    return result;
  };
  return {
    options,
    imageSize,
    bytes,
    image: (image, draws, out) => toFloats(bytes(image, draws).pixels, out),
  };
}

function applyCrop(image: RgbImage, crop: CropOptions, size: number, draws: Draws): RgbImage {
  const { interpolation = 'bicubic' } = crop;
  switch (crop.kind) {
    case 'random-resized': {
      const { scale = SCALE, ratio = RATIO } = crop;
      const source = randomResizedCropBox(image.width, image.height, { scale, ratio }, draws);
      return resize(image, size, size, { interpolation, source });
    }
    case 'centre':
      return evaluationCrop(image, size, { resizeTo: crop.resizeTo, interpolation });
    case 'stretch':
      if (image.width === size && image.height === size) return image;
      return resize(image, size, size, { interpolation });
  }
}

const FLOATS = Float32Array.from({ length: 256 }, (_, byte) => byte / 255);

/** byte / 255, rounded to float32. */
function toFloats(pixels: Uint8Array, out: Float32Array): void {
  for (let i = 0; i < pixels.length; i++) out[i] = FLOATS[pixels[i]];
}
