/** torchvision's ColorJitter on 8-bit images. */
import type { ColorJitterOptions } from './augmentation-options.js';
import { adjustBrightness, adjustContrast, adjustSaturation } from './blend.js';
import { uniformBetween, type Draws } from './draws.js';
import { adjustHue } from './hue.js';
import type { RgbImage } from './rgb-image.js';

const ADJUSTMENTS = {
  brightness: adjustBrightness,
  contrast: adjustContrast,
  saturation: adjustSaturation,
  hue: adjustHue,
};

type AdjustmentName = keyof typeof ADJUSTMENTS;

/**
 * The image with random brightness, contrast, saturation and hue, in random order. Draws the order (integers, Fisher-Yates),
 * then one uniform per active adjustment, brightness first.
 */
export function colorJitter(image: RgbImage, options: ColorJitterOptions, draws: Draws): RgbImage {
  const names = (Object.keys(ADJUSTMENTS) as AdjustmentName[]).filter((name) => (options[name] ?? 0) > 0);
  const order = [...names];
  for (let i = order.length - 1; i > 0; i--) {
    const j = draws.integer(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  const factors = new Map(names.map((name) => [name, drawFactor(name, options[name] ?? 0, draws)]));
  return order.reduce((result, name) => ADJUSTMENTS[name](result, factors.get(name) ?? 1), image);
}

function drawFactor(name: AdjustmentName, strength: number, draws: Draws): number {
  if (name === 'hue') return uniformBetween(draws, -strength, strength);
  return uniformBetween(draws, Math.max(0, 1 - strength), 1 + strength);
}
