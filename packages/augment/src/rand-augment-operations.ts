/**
 * The operations of timm's RandAugment by timm's names, and how each turns a magnitude into its argument
 * (timm/data/auto_augment.py). Products are evaluated in timm's order, so that the truncations agree.
 */
import { rotate, shearX, shearY, translateX, translateY, type AffineOptions } from './affine.js';
import { adjustBrightness, adjustContrast, adjustSaturation, adjustSharpness } from './blend.js';
import type { Draws } from './draws.js';
import { gaussianBlur } from './gaussian-blur.js';
import { autoContrast, equalize, invert, posterize, solarize, solarizeAdd } from './intensity.js';
import type { RgbImage } from './rgb-image.js';

export interface RandAugmentOperation {
  /** The argument of a magnitude, 0 to 10; draws the sign where there is one. Operations without one take none. */
  readonly argument?: (magnitude: number, draws: Draws) => number;
  /** Applies the operation; only geometric ones use the options. */
  readonly apply: (image: RgbImage, argument: number, options: AffineOptions) => RgbImage;
  readonly geometric?: true;
}

const MAGNITUDE_UNIT = 10;

/** Negative for half of the draws. */
function randomSign(value: number, draws: Draws): number {
  return draws.uniform() > 0.5 ? -value : value;
}

const increasingFactor = (magnitude: number, draws: Draws) =>
  Math.max(0.1, 1 + randomSign((magnitude / MAGNITUDE_UNIT) * 0.9, draws));
const factor = (magnitude: number) => (magnitude / MAGNITUDE_UNIT) * 1.8 + 0.1;
const bits = (magnitude: number) => Math.trunc((magnitude / MAGNITUDE_UNIT) * 4);
const threshold = (magnitude: number) => Math.min(256, Math.trunc((magnitude / MAGNITUDE_UNIT) * 256));
const shear = (magnitude: number, draws: Draws) => randomSign((magnitude / MAGNITUDE_UNIT) * 0.3, draws);
const shift = (magnitude: number, draws: Draws) => randomSign((magnitude / MAGNITUDE_UNIT) * 0.45, draws);
const degrees = (magnitude: number, draws: Draws) => randomSign((magnitude / MAGNITUDE_UNIT) * 30, draws);
const between = (low: number, high: number) => (magnitude: number) =>
  Math.max(low, Math.min(high, low + (high - low) * (magnitude / MAGNITUDE_UNIT)));

export const RAND_AUGMENT_OPERATIONS: Readonly<Record<string, RandAugmentOperation>> = {
  AutoContrast: { apply: autoContrast },
  Equalize: { apply: equalize },
  Invert: { apply: invert },
  Rotate: { argument: degrees, apply: rotate, geometric: true },
  Posterize: { argument: bits, apply: posterize },
  PosterizeIncreasing: { argument: (magnitude) => 4 - bits(magnitude), apply: posterize },
  Solarize: { argument: threshold, apply: solarize },
  SolarizeIncreasing: { argument: (magnitude) => 256 - threshold(magnitude), apply: solarize },
  SolarizeAdd: {
    argument: (magnitude) => Math.min(128, Math.trunc((magnitude / MAGNITUDE_UNIT) * 110)),
    apply: solarizeAdd,
  },
  Color: { argument: factor, apply: adjustSaturation },
  ColorIncreasing: { argument: increasingFactor, apply: adjustSaturation },
  Contrast: { argument: factor, apply: adjustContrast },
  ContrastIncreasing: { argument: increasingFactor, apply: adjustContrast },
  Brightness: { argument: factor, apply: adjustBrightness },
  BrightnessIncreasing: { argument: increasingFactor, apply: adjustBrightness },
  Sharpness: { argument: factor, apply: adjustSharpness },
  SharpnessIncreasing: { argument: increasingFactor, apply: adjustSharpness },
  ShearX: { argument: shear, apply: shearX, geometric: true },
  ShearY: { argument: shear, apply: shearY, geometric: true },
  TranslateXRel: { argument: shift, apply: translateX, geometric: true },
  TranslateYRel: { argument: shift, apply: translateY, geometric: true },
  Desaturate: {
    argument: between(0.5, 1),
    apply: (image, share) => adjustSaturation(image, Math.min(1, Math.max(0, 1 - share))),
  },
  GaussianBlur: { argument: between(0.1, 2), apply: gaussianBlur },
};

const FIXED_SET = [
  'AutoContrast', 'Equalize', 'Invert', 'Rotate', 'Posterize', 'Solarize', 'SolarizeAdd', 'Color', 'Contrast',
  'Brightness', 'Sharpness', 'ShearX', 'ShearY', 'TranslateXRel', 'TranslateYRel',
]; // prettier-ignore

const INCREASING_SET = [
  'AutoContrast', 'Equalize', 'Invert', 'Rotate', 'PosterizeIncreasing', 'SolarizeIncreasing', 'SolarizeAdd',
  'ColorIncreasing', 'ContrastIncreasing', 'BrightnessIncreasing', 'SharpnessIncreasing', 'ShearX', 'ShearY',
  'TranslateXRel', 'TranslateYRel',
]; // prettier-ignore

/** Named sets of operations: timm's two, timm's "3a", and the five geometric ones, which suit digits and letters. */
export const RAND_AUGMENT_SETS = {
  fixed: FIXED_SET,
  increasing: INCREASING_SET,
  '3a': ['SolarizeIncreasing', 'Desaturate', 'GaussianBlur'],
  geometric: ['Rotate', 'ShearX', 'ShearY', 'TranslateXRel', 'TranslateYRel'],
} as const satisfies Record<string, readonly string[]>;
