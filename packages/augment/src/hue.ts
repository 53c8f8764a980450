/** Pillow's 8-bit HSV and torchvision's hue shift. */
import { checkImage, type RgbImage } from './rgb-image.js';

const { fround } = Math;

/**
 * Shifts the hue by `factor` of the colour circle, -0.5 to 0.5, in Pillow's 8-bit HSV: hue + trunc(255 * factor), modulo 256.
 * Returns a new image.
 */
export function adjustHue(image: RgbImage, factor: number): RgbImage {
  checkImage(image, 'adjustHue');
  const shift = Math.trunc(255 * factor);
  const hsv = rgbToHsv(image);
  for (let i = 0; i < hsv.length; i += 3) hsv[i] += shift;
  return { ...image, pixels: hsvToRgb(hsv) };
}

/** [H, W, 3] bytes of hue, saturation and value, each 0..255. */
export function rgbToHsv({ pixels }: RgbImage): Uint8Array {
  const out = new Uint8Array(pixels.length);
  for (let i = 0; i < pixels.length; i += 3) {
    const red = pixels[i];
    const green = pixels[i + 1];
    const blue = pixels[i + 2];
    const high = Math.max(red, green, blue);
    const low = Math.min(red, green, blue);
    out[i + 2] = high;
    if (high === low) continue;
    const range = fround(high - low);
    const rc = fround((high - red) / range);
    const gc = fround((high - green) / range);
    const bc = fround((high - blue) / range);
    let hue: number;
    if (red === high) hue = fround(bc - gc);
    else if (green === high) hue = fround(2 + rc - bc);
    else hue = fround(4 + gc - rc);
    hue = fround((hue / 6 + 1) % 1);
    out[i] = toByte(Math.trunc(hue * 255));
    out[i + 1] = toByte(Math.trunc(fround(range / high) * 255));
  }
  return out;
}

/** RGB bytes of [H, W, 3] bytes of hue, saturation and value. */
export function hsvToRgb(hsv: Uint8Array): Uint8Array {
  const out = new Uint8Array(hsv.length);
  for (let i = 0; i < hsv.length; i += 3) {
    const value = hsv[i + 2];
    const saturation = fround(hsv[i + 1] / 255);
    const position = fround((hsv[i] * 6) / 255);
    const sector = Math.floor(position);
    const fraction = fround(position - sector);
    const p = toByte(Math.round(value * (1 - saturation)));
    const q = toByte(Math.round(value * (1 - fround(saturation * fraction))));
    const t = toByte(Math.round(value * (1 - fround(saturation * (1 - fraction)))));
    const [red, green, blue] = [
      [value, t, p],
      [q, value, p],
      [p, value, t],
      [p, q, value],
      [t, p, value],
      [value, p, q],
    ][sector % 6];
    out[i] = red;
    out[i + 1] = green;
    out[i + 2] = blue;
  }
  return out;
}

function toByte(value: number): number {
  return Math.max(0, Math.min(255, value));
}
