import { RevatError } from '@revat/core';

import type { Interpolation } from './resize.js';

/** How an image becomes imageSize x imageSize. */
export type CropOptions =
  /** A random box, resized: RandomResizedCrop. */
  | {
      readonly kind: 'random-resized';
      /** Range of the box's share of the area; default [0.08, 1]. */
      readonly scale?: readonly [number, number];
      /** Range of its width / height; default [3/4, 4/3]. */
      readonly ratio?: readonly [number, number];
      /** Default 'bicubic'. */
      readonly interpolation?: Interpolation;
    }
  /** Shorter side resized to `resizeTo` (default floor(imageSize / 0.875); null: not resized), then the centre. */
  | { readonly kind: 'centre'; readonly resizeTo?: number | null; readonly interpolation?: Interpolation }
  /** Shorter side resized to the size, four reflected pixels around, a random crop: DeiT III's simple random crop. */
  | { readonly kind: 'simple-random'; readonly interpolation?: Interpolation }
  /** The whole image resized, its aspect not kept; images of the right size are left as they are. */
  | { readonly kind: 'stretch'; readonly interpolation?: Interpolation };

/** Strengths of torchvision's ColorJitter: factors are uniform in [1 - s, 1 + s], a hue shift in [-s, s]. */
export interface ColorJitterOptions {
  readonly brightness?: number;
  readonly contrast?: number;
  readonly saturation?: number;
  readonly hue?: number;
}

/** RandAugment as timm configures it; see `parseRandAugment` for the string form. */
export interface RandAugmentOptions {
  /** Names of the operations to draw from. */
  readonly operations: readonly string[];
  /** Mean magnitude, on a scale of 0 to 10. */
  readonly magnitude: number;
  /** Standard deviation of the magnitude; Infinity draws it uniformly from [0, magnitude]. Default 0. */
  readonly magnitudeStd: number;
  /** Largest magnitude after the noise. Default 10. */
  readonly magnitudeMax: number;
  /** Operations drawn per image, with replacement. Default 2. */
  readonly layers: number;
  /** Probability that a drawn operation is applied. Default 0.5. */
  readonly probability: number;
  /** Interpolation of the geometric operations; 'random' flips a coin for each. Default 'bicubic'. */
  readonly interpolation: Interpolation | 'random';
  /** Colour of what geometric operations uncover. Default black. */
  readonly fill: readonly [number, number, number];
}

/** Random erasing (Zhong et al., AAAI 2020) as timm runs it in 'pixel' mode, one box. */
export interface RandomErasingOptions {
  readonly probability: number;
  /** Range of the box's share of the area; default [0.02, 1/3]. */
  readonly scale?: readonly [number, number];
  /** Range of its height / width; default [0.3, 1/0.3]. */
  readonly ratio?: readonly [number, number];
  /**
   * 'normal': standard normal noise, not clamped, as in the paper's pipeline; 'uniform': noise in [0, 1]; 'black': zeros.
   * Default 'normal'.
   */
  readonly fill?: 'normal' | 'uniform' | 'black';
}

/** Mixup (Zhang et al., ICLR 2018) and CutMix (Yun et al., ICCV 2019) of a batch, timm's batch mode. */
export interface MixingOptions {
  /** Alpha of Mixup's Beta(alpha, alpha); 0 turns it off. */
  readonly mixup: number;
  /** Alpha of CutMix's Beta(alpha, alpha); 0 turns it off. */
  readonly cutmix: number;
  /** Probability that a batch is mixed at all. Default 1. */
  readonly probability?: number;
  /** Probability of CutMix where both are on. Default 0.5. */
  readonly switchProbability?: number;
}

/** Everything that happens to an image and a batch, in this order. Serialisable. */
export interface AugmentationOptions {
  readonly crop: CropOptions;
  /** Probability of a horizontal flip; default 0. */
  readonly flip?: number;
  /** A number means brightness, contrast and saturation of that strength. Default none. */
  readonly colorJitter?: number | ColorJitterOptions;
  /** Options, or timm's string, e.g. "rand-m9-mstd0.5-inc1". Default none. */
  readonly randAugment?: string | RandAugmentOptions;
  /** Default none. */
  readonly erasing?: RandomErasingOptions;
  /** Default none. */
  readonly mixing?: MixingOptions;
  /** Share of the target spread over all classes; default 0. */
  readonly labelSmoothing?: number;
}

/** The augmentation schemes by name. */
export const AUGMENTATIONS = {
  /** The image as it is, resized where its size differs. */
  none: { crop: { kind: 'stretch' } },
  /** Shorter side to imageSize / 0.875, centre crop (App. A.4). */
  evaluation: { crop: { kind: 'centre' } },
  /** The paper's "basic": a random resized crop, without a flip in the published code. */
  basic: { crop: { kind: 'random-resized' } },
  /** The paper's 3-Aug (App. D.2): basic, flip, colour jitter. Its strength is not stated there; 0.4 is timm's default. */
  '3-aug': { crop: { kind: 'random-resized' }, flip: 0.5, colorJitter: 0.4 },
  /** The paper's heavy augmentation (App. A.1). */
  heavy: {
    crop: { kind: 'random-resized' },
    flip: 0.5,
    randAugment: 'rand-m9-mstd0.5-inc1',
    erasing: { probability: 0.25 },
    mixing: { mixup: 0.8, cutmix: 1 },
    labelSmoothing: 0.1,
  },
  /** Heavy augmentation where it makes sense for digits and letters: no flips, no colours, gentler geometry. */
  digits: {
    crop: { kind: 'random-resized', scale: [0.6, 1], ratio: [0.8, 1.25] },
    randAugment: 'rand-m4-mstd0.5-tgeometric',
    erasing: { probability: 0.25, scale: [0.02, 0.1], fill: 'uniform' },
    mixing: { mixup: 0.2, cutmix: 0 },
    labelSmoothing: 0.1,
  },
} as const satisfies Record<string, AugmentationOptions>;

export type AugmentationName = keyof typeof AUGMENTATIONS;

/** The options of a scheme, or the given options. Throws 'unknown-name' for a name that is none. */
export function augmentationOptions(choice: AugmentationName | AugmentationOptions): AugmentationOptions {
  if (typeof choice !== 'string') return choice;
  if (Object.hasOwn(AUGMENTATIONS, choice)) return AUGMENTATIONS[choice];
  throw new RevatError(
    'unknown-name',
    `augmentation: unknown scheme "${String(choice)}". Use one of ${Object.keys(AUGMENTATIONS).join(', ')}, or give options.`,
  );
}
