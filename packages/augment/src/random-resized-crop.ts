/** The box of torchvision's RandomResizedCrop (Szegedy et al., "Going Deeper with Convolutions", CVPR 2015). */
import { uniformBetween, type Draws } from './draws.js';
import type { Box } from './rgb-image.js';
import { roundHalfEven } from './round-half-even.js';

export interface RandomResizedCropOptions {
  /** Range of the box's share of the image's area. */
  scale: readonly [number, number];
  /** Range of width / height, drawn uniformly in the logarithm. */
  ratio: readonly [number, number];
}

const ATTEMPTS = 10;

/**
 * A random box of a width x height image. Draws, per attempt: uniform (area), uniform (ratio), and of an accepted box
 * integer (top), integer (left). After ten boxes that do not fit: the largest centred box with the nearest allowed ratio.
 */
export function randomResizedCropBox(
  width: number,
  height: number,
  { scale, ratio }: RandomResizedCropOptions,
  draws: Draws,
): Box {
  const logRatio = [Math.log(ratio[0]), Math.log(ratio[1])] as const;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const area = uniformBetween(draws, scale[0], scale[1]) * width * height;
    const aspect = Math.exp(uniformBetween(draws, logRatio[0], logRatio[1]));
    const boxWidth = roundHalfEven(Math.sqrt(area * aspect));
    const boxHeight = roundHalfEven(Math.sqrt(area / aspect));
    if (boxWidth < 1 || boxHeight < 1 || boxWidth > width || boxHeight > height) continue;
    const top = draws.integer(height - boxHeight + 1);
    const left = draws.integer(width - boxWidth + 1);
    return { top, left, height: boxHeight, width: boxWidth };
  }
  return centredBox(width, height, ratio);
}

function centredBox(width: number, height: number, ratio: readonly [number, number]): Box {
  let boxWidth = width;
  let boxHeight = height;
  if (width / height < ratio[0]) boxHeight = Math.max(1, roundHalfEven(width / ratio[0]));
  else if (width / height > ratio[1]) boxWidth = Math.max(1, roundHalfEven(height * ratio[1]));
  return {
    top: Math.floor((height - boxHeight) / 2),
    left: Math.floor((width - boxWidth) / 2),
    height: boxHeight,
    width: boxWidth,
  };
}
