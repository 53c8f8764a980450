export { rotate, shearX, shearY, translateX, translateY, type AffineOptions } from './affine.js';
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
export { adjustBrightness, adjustContrast, adjustSaturation, adjustSharpness, grayscale } from './blend.js';
export { colorJitter } from './color-jitter.js';
export { seededDraws, type Draws } from './draws.js';
export {
  evaluationCrop,
  evaluationGeometry,
  type EvaluationCropOptions,
  type EvaluationGeometry,
} from './evaluation-crop.js';
export { flipHorizontally } from './flip.js';
export { gaussianBlur } from './gaussian-blur.js';
export { adjustHue } from './hue.js';
export { autoContrast, equalize, invert, posterize, solarize, solarizeAdd } from './intensity.js';
export { cutmixBox, mixImages, mixTargets, type Mixed, type MixingBox } from './mixing.js';
export { parseRandAugment } from './parse-rand-augment.js';
export {
  RAND_AUGMENT_OPERATIONS,
  RAND_AUGMENT_SETS,
  type RandAugmentOperation,
} from './rand-augment-operations.js';
export { randAugment } from './rand-augment.js';
export { randomErasing } from './random-erasing.js';
export { randomResizedCropBox, type RandomResizedCropOptions } from './random-resized-crop.js';
export { resize, type Interpolation, type ResizeOptions } from './resize.js';
export { type Box, type RgbImage } from './rgb-image.js';
export { robustbenchPreprocessing, type Preprocessing } from './robustbench-preprocessing.js';
export { simpleRandomCrop } from './simple-random-crop.js';
