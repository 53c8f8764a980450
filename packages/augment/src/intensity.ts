/**
 * Operations that map each byte through a table of 256 (Pillow's ImageOps and the table cases of timm's auto_augment).
 * All return a new image.
 */
import { histograms, mapChannels } from './pixel-kernels.js';
import { checkImage, type RgbImage } from './rgb-image.js';

const CHANNELS = 3;

/** 255 - v. */
export function invert(image: RgbImage): RgbImage {
  return applyTable(image, (value) => 255 - value);
}

/** Inverts the values from the threshold on: v if v < threshold, else 255 - v. 256 changes nothing. */
export function solarize(image: RgbImage, threshold: number): RgbImage {
  return applyTable(image, (value) => (value < threshold ? value : 255 - value));
}

/** Adds `amount` to the values below 128, saturating at 255. */
export function solarizeAdd(image: RgbImage, amount: number): RgbImage {
  return applyTable(image, (value) => (value < 128 ? Math.max(0, Math.min(255, value + amount)) : value));
}

/** Keeps the `bits` highest bits; 8 or more change nothing, 0 gives black. */
export function posterize(image: RgbImage, bits: number): RgbImage {
  const mask = bits >= 8 ? 255 : (0xff00 >> bits) & 255;
  return applyTable(image, (value) => value & mask);
}

/** Stretches each channel's range to 0..255; a channel of one value stays. */
export function autoContrast(image: RgbImage): RgbImage {
  return applyChannelTables(image, (histogram) => {
    const low = histogram.findIndex((count) => count > 0);
    const high = histogram.findLastIndex((count) => count > 0);
    if (high <= low) return undefined;
    const scale = 255 / (high - low);
    const offset = -low * scale;
    return (value) => Math.max(0, Math.min(255, Math.trunc(value * scale + offset)));
  });
}

/** Equalizes each channel's histogram, in Pillow's integer arithmetic. */
export function equalize(image: RgbImage): RgbImage {
  const pixelCount = image.width * image.height;
  return applyChannelTables(image, (histogram) => {
    const highest = histogram.findLastIndex((count) => count > 0);
    if (histogram[highest] === pixelCount) return undefined;
    const step = Math.floor((pixelCount - histogram[highest]) / 255);
    if (step === 0) return undefined;
    let cumulated = Math.floor(step / 2);
    const table = new Uint8Array(256);
    for (let value = 0; value < 256; value++) {
      table[value] = Math.min(255, Math.floor(cumulated / step));
      cumulated += histogram[value];
    }
    return (value) => table[value];
  });
}

/** Every byte mapped by one function of 0..255. */
export function applyTable(image: RgbImage, mapping: (value: number) => number): RgbImage {
  checkImage(image, 'applyTable');
  const tables = new Uint8Array(CHANNELS * 256);
  for (let value = 0; value < 256; value++) tables[value] = mapping(value);
  for (let channel = 1; channel < CHANNELS; channel++) tables.copyWithin(channel * 256, 0, 256);
  return mapChannels(image, tables);
}

/** Each channel mapped by a function made from its histogram; undefined leaves the channel. */
function applyChannelTables(
  image: RgbImage,
  mappingOf: (histogram: Uint32Array) => ((value: number) => number) | undefined,
): RgbImage {
  checkImage(image, 'applyTable');
  const counts = histograms(image);
  const tables = new Uint8Array(CHANNELS * 256);
  for (let channel = 0; channel < CHANNELS; channel++) {
    const start = channel * 256;
    const mapping = mappingOf(counts.subarray(start, start + 256)) ?? ((value: number) => value);
    for (let value = 0; value < 256; value++) tables[start + value] = mapping(value);
  }
  return mapChannels(image, tables);
}
