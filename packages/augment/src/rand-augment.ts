/** RandAugment (Cubuk et al., CVPR Workshops 2020) as timm runs it. */
import type { RandAugmentOptions } from './augmentation-options.js';
import { uniformBetween, type Draws } from './draws.js';
import { RAND_AUGMENT_OPERATIONS, type RandAugmentOperation } from './rand-augment-operations.js';
import type { Interpolation } from './resize.js';
import type { RgbImage } from './rgb-image.js';

/**
 * The image after `layers` random operations; the image itself if none was applied. Draws first the operations (one integer
 * each, with replacement), then for each: uniform (applied unless > probability), normal (magnitude), uniform (sign, where
 * there is one; > 0.5 negates), integer (interpolation, only if 'random').
 */
export function randAugment(image: RgbImage, options: RandAugmentOptions, draws: Draws): RgbImage {
  const { operations, layers, probability } = options;
  const names = Array.from({ length: layers }, () => operations[draws.integer(operations.length)]);
  let result = image;
  for (const name of names) {
    if (probability < 1 && draws.uniform() > probability) continue;
    const operation = RAND_AUGMENT_OPERATIONS[name];
    const magnitude = drawMagnitude(options, draws);
    const argument = operation.argument?.(magnitude, draws) ?? NaN;
    const interpolation = interpolationOf(operation, options.interpolation, draws);
    result = operation.apply(result, argument, { interpolation, fill: options.fill });
  }
  return result;
}

function drawMagnitude({ magnitude, magnitudeStd, magnitudeMax }: RandAugmentOptions, draws: Draws): number {
  let drawn = magnitude;
  if (magnitudeStd === Infinity) drawn = uniformBetween(draws, 0, magnitude);
  else if (magnitudeStd > 0) drawn = magnitude + magnitudeStd * draws.normal();
  return Math.max(0, Math.min(magnitudeMax, drawn));
}

function interpolationOf(
  { geometric }: RandAugmentOperation,
  choice: Interpolation | 'random',
  draws: Draws,
): Interpolation | undefined {
  if (!geometric) return undefined;
  if (choice !== 'random') return choice;
  return draws.integer(2) === 0 ? 'bilinear' : 'bicubic';
}
