/**
 * Pillow's ImageEnhance: the image blended with a "degenerate" one, d + factor * (v - d), clamped and truncated. Pillow
 * computes in float32, and so does this, step by step. All return a new image.
 */
import { applyTable } from './intensity.js';
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
  const { pixels } = image;
  const out = new Uint8Array(pixels.length);
  const f = fround(factor);
  for (let i = 0; i < pixels.length; i += 3) {
    const gray = luma(pixels[i], pixels[i + 1], pixels[i + 2]);
    out[i] = blend(gray, pixels[i], f);
    out[i + 1] = blend(gray, pixels[i + 1], f);
    out[i + 2] = blend(gray, pixels[i + 2], f);
  }
  return { ...image, pixels: out };
}

/** Towards a smoothed image (factor < 1) or sharper (> 1); the outermost pixels stay. */
export function adjustSharpness(image: RgbImage, factor: number): RgbImage {
  checkImage(image, 'adjustSharpness');
  const { pixels, width, height } = image;
  const out = pixels.slice();
  const stride = width * 3;
  const f = fround(factor);
  for (let y = 1; y < height - 1; y++) {
    const end = (y + 1) * stride - 3;
    for (let i = y * stride + 3; i < end; i++) {
      const above = i - stride;
      const below = i + stride;
      const sum =
        pixels[above - 3] + pixels[above] + pixels[above + 3] +
        pixels[i - 3] + 5 * pixels[i] + pixels[i + 3] +
        pixels[below - 3] + pixels[below] + pixels[below + 3]; // prettier-ignore
      out[i] = blend(SMOOTHED[sum], pixels[i], f);
    }
  }
  return { ...image, pixels: out };
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

/** Smoothing weights add up to 13: the smoothed byte of each possible weighted sum. */
const SMOOTHED = Uint8Array.from({ length: 13 * 255 + 1 }, (_, sum) => Math.trunc(sum / 13 + 0.5));

function blend(degenerate: number, value: number, factor: number): number {
  const mixed = fround(degenerate + fround(factor * (value - degenerate)));
  return mixed <= 0 ? 0 : mixed >= 255 ? 255 : mixed | 0;
}

function blendWithConstant(image: RgbImage, degenerate: number, factor: number): RgbImage {
  const f = fround(factor);
  return applyTable(image, (value) => blend(degenerate, value, f));
}
