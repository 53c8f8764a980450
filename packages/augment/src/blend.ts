/**
 * Pillow's ImageEnhance: the image blended with a "degenerate" one, d + factor * (v - d), clamped and truncated. Pillow
 * computes in float32, and so does this, step by step. All return a new image.
 */
import { applyTable } from './intensity.js';
import { blendWithLuma, blendWithSmooth } from './pixel-kernels.js';
import { checkImage, type RgbImage } from './rgb-image.js';

const { fround } = Math;

/** Towards black (factor < 1) or brighter (> 1). */
export function adjustBrightness(image: RgbImage, factor: number): RgbImage {
  return blendWithConstant(image, 0, factor);
}

/** Towards the mean luma (factor < 1) or away from it (> 1). */
export function adjustContrast(image: RgbImage, factor: number): RgbImage {
  checkImage(image, 'adjustContrast');
  const { pixels } = image;
  let sum = 0;
  for (let i = 0; i < pixels.length; i += 3) sum += luma(pixels[i], pixels[i + 1], pixels[i + 2]);
  return blendWithConstant(image, Math.trunc(sum / (pixels.length / 3) + 0.5), factor);
}

/** Towards gray (factor < 1) or more colourful (> 1): Pillow's Color, torchvision's saturation. */
export function adjustSaturation(image: RgbImage, factor: number): RgbImage {
  checkImage(image, 'adjustSaturation');
  return blendWithLuma(image, factor);
}

/** Towards a smoothed image (factor < 1) or sharper (> 1); the outermost pixels stay. */
export function adjustSharpness(image: RgbImage, factor: number): RgbImage {
  checkImage(image, 'adjustSharpness');
  return blendWithSmooth(image, factor);
}

/** The luma of every pixel in all three channels. */
export function grayscale(image: RgbImage): RgbImage {
  checkImage(image, 'grayscale');
  const { pixels } = image;
  const out = new Uint8Array(pixels.length);
  for (let i = 0; i < pixels.length; i += 3) {
    out[i] = out[i + 1] = out[i + 2] = luma(pixels[i], pixels[i + 1], pixels[i + 2]);
  }
  return { ...image, pixels: out };
}

/** Pillow's L of an RGB pixel (ITU-R 601-2) in 16-bit fixed point. */
export function luma(red: number, green: number, blue: number): number {
  return (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16;
}

function blend(degenerate: number, value: number, factor: number): number {
  const mixed = fround(degenerate + fround(factor * (value - degenerate)));
  return mixed <= 0 ? 0 : mixed >= 255 ? 255 : mixed | 0;
}

function blendWithConstant(image: RgbImage, degenerate: number, factor: number): RgbImage {
  const f = fround(factor);
  return applyTable(image, (value) => blend(degenerate, value, f));
}
