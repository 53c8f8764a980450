export {
  AUGMENTATIONS,
  augmentationOptions,
  type AugmentationName,
  type AugmentationOptions,
  type ColorJitterOptions,
  type CropOptions,
  type MixingOptions,
  type RandAugmentOptions,
  type RandomErasingOptions,
} from './augmentation-options.js';
export { createAugmentation, type Augmentation } from './augmentation.js';
export { seededDraws, type Draws } from './draws.js';
export {
  evaluationCrop,
  evaluationGeometry,
  type EvaluationCropOptions,
  type EvaluationGeometry,
} from './evaluation-crop.js';
export { flipHorizontally } from './flip.js';
export { randomResizedCropBox, type RandomResizedCropOptions } from './random-resized-crop.js';
export { resize, type Interpolation, type ResizeOptions } from './resize.js';
export { type Box, type RgbImage } from './rgb-image.js';
