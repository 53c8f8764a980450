/** Random erasing (Zhong et al., AAAI 2020) as timm runs it: 'pixel' mode, at most one box. */
import type { RandomErasingOptions } from './augmentation-options.js';
import { uniformBetween, type Draws } from './draws.js';
import type { Box } from './rgb-image.js';
import { roundHalfEven } from './round-half-even.js';

const ATTEMPTS = 10;
const SCALE = [0.02, 1 / 3] as const;
const RATIO = [0.3, 1 / 0.3] as const;

/**
 * Erases a random box of `image` ([height, width, 3] float32) in place; returns it, or undefined if nothing was erased.
 * Draws uniform (erases unless > probability), then per attempt as `erasingBox`, then the fill. The noise has mean 0 and
 * variance 1, though the images lie in [0, 1]: the paper's pipeline normalises nothing and clamps only in the attack.
 */
export function randomErasing(
  image: Float32Array,
  width: number,
  height: number,
  options: RandomErasingOptions,
  draws: Draws,
): Box | undefined {
  if (draws.uniform() > options.probability) return undefined;
  const box = erasingBox(width, height, options, draws);
  if (!box) return undefined;
  const noise = noiseOf(box.height * box.width * 3);
  const { fill = 'normal' } = options;
  if (fill === 'normal') draws.fillNormal(noise);
  else if (fill === 'uniform') for (let i = 0; i < noise.length; i++) noise[i] = draws.uniform();
  const rowLength = box.width * 3;
  for (let row = 0; row < box.height; row++) {
    const start = ((box.top + row) * width + box.left) * 3;
    image.set(noise.subarray(row * rowLength, (row + 1) * rowLength), start);
  }
  return box;
}

/** Room for noise, kept because it is as large as an image. */
let room = new Float32Array(0);

function noiseOf(length: number): Float32Array {
  if (room.length < length) room = new Float32Array(length);
  return room.subarray(0, length);
}

/** A box strictly smaller than the image, or undefined after ten that are not. Draws uniform, uniform, integer, integer. */
function erasingBox(
  width: number,
  height: number,
  { scale = SCALE, ratio = RATIO }: RandomErasingOptions,
  draws: Draws,
): Box | undefined {
  const logRatio = [Math.log(ratio[0]), Math.log(ratio[1])] as const;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const area = uniformBetween(draws, scale[0], scale[1]) * width * height;
    const aspect = Math.exp(uniformBetween(draws, logRatio[0], logRatio[1]));
    const boxHeight = roundHalfEven(Math.sqrt(area * aspect));
    const boxWidth = roundHalfEven(Math.sqrt(area / aspect));
    if (boxWidth >= width || boxHeight >= height) continue;
    const top = draws.integer(height - boxHeight + 1);
    const left = draws.integer(width - boxWidth + 1);
    return { top, left, height: boxHeight, width: boxWidth };
  }
  return undefined;
}
