/** Mixup and CutMix in timm's batch mode, with smoothed soft targets; all in float32 as the original. */
import { RevatError } from '@revat/core';

import type { MixingOptions } from './augmentation-options.js';
import type { Draws } from './draws.js';

const { fround } = Math;

/** How a batch was mixed: image i with image B-1-i. */
export interface Mixed {
  readonly method: 'none' | 'mixup' | 'cutmix';
  /** Share of the image itself in its target: for CutMix the share of its pixels. */
  readonly lambda: number;
  /** CutMix: the rows and columns pasted from the partner. */
  readonly box?: MixingBox;
}

export interface MixingBox {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/**
 * Mixes a batch in place: `images` [B, height, width, 3] float32, B even. One method, one lambda and one box for the batch.
 * Draws uniform (mixes if < probability), uniform (CutMix if < switchProbability; only if both are on), beta, and for CutMix
 * integer (centre row), integer (centre column). Throws 'mismatch' for an odd batch.
 */
export function mixImages(
  images: Float32Array,
  shape: readonly [number, number, number, number],
  { mixup, cutmix, probability = 1, switchProbability = 0.5 }: MixingOptions,
  draws: Draws,
): Mixed {
  const [batch, height, width, channels] = shape;
  if (batch % 2 === 1)
    throw new RevatError(
      'mismatch',
      `mixImages: a batch of ${batch} cannot be paired up. Use an even batch size.`,
    );
  if ((mixup <= 0 && cutmix <= 0) || draws.uniform() >= probability) return { method: 'none', lambda: 1 };
  const useCutmix = mixup > 0 && cutmix > 0 ? draws.uniform() < switchProbability : cutmix > 0;
  const alpha = useCutmix ? cutmix : mixup;
  const lambda = draws.beta(alpha, alpha);
  if (lambda === 1) return { method: 'none', lambda };
  if (!useCutmix) {
    blendReversed(images, batch, lambda);
    return { method: 'mixup', lambda };
  }
  const box = cutmixBox(height, width, lambda, draws);
  swapBox(images, batch, width * channels, height, channels, box);
  const share = 1 - ((box.bottom - box.top) * (box.right - box.left)) / (height * width);
  return { method: 'cutmix', lambda: share, box };
}

/** The box that CutMix pastes: sides sqrt(1 - lambda) of the image's, truncated to even, clipped at the borders. */
export function cutmixBox(height: number, width: number, lambda: number, draws: Draws): MixingBox {
  const ratio = Math.sqrt(1 - lambda);
  const halfHeight = Math.floor(Math.trunc(height * ratio) / 2);
  const halfWidth = Math.floor(Math.trunc(width * ratio) / 2);
  const row = draws.integer(height);
  const column = draws.integer(width);
  return {
    top: Math.max(0, row - halfHeight),
    bottom: Math.min(height, row + halfHeight),
    left: Math.max(0, column - halfWidth),
    right: Math.min(width, column + halfWidth),
  };
}

/** [B, K] float32: the smoothed one-hot target of each label, mixed with that of the batch's reversed order. Rows sum to 1. */
export function mixTargets(
  labels: ArrayLike<number>,
  numClasses: number,
  lambda: number,
  labelSmoothing: number,
): Float32Array {
  const off = fround(labelSmoothing / numClasses);
  const on = fround(1 - labelSmoothing + labelSmoothing / numClasses);
  const own = fround(lambda);
  const other = fround(1 - lambda);
  const batch = labels.length;
  const targets = new Float32Array(batch * numClasses);
  for (let i = 0; i < batch; i++) {
    const label = labels[i];
    const partner = labels[batch - 1 - i];
    const value = (k: number) =>
      fround(fround((k === label ? on : off) * own) + fround((k === partner ? on : off) * other));
    targets.fill(fround(fround(off * own) + fround(off * other)), i * numClasses, (i + 1) * numClasses);
    targets[i * numClasses + label] = value(label);
    targets[i * numClasses + partner] = value(partner);
  }
  return targets;
}

function blendReversed(images: Float32Array, batch: number, lambda: number): void {
  const own = fround(lambda);
  const other = fround(1 - lambda);
  const size = images.length / batch;
  for (let i = 0; i < batch / 2; i++) {
    const first = i * size;
    const second = (batch - 1 - i) * size;
    for (let k = 0; k < size; k++) {
      const a = images[first + k];
      const b = images[second + k];
      images[first + k] = fround(a * own) + fround(b * other);
      images[second + k] = fround(b * own) + fround(a * other);
    }
  }
}

function swapBox(
  images: Float32Array,
  batch: number,
  stride: number,
  height: number,
  channels: number,
  { top, bottom, left, right }: MixingBox,
): void {
  const cut = new Float32Array((right - left) * channels);
  for (let i = 0; i < batch / 2; i++) {
    for (let row = top; row < bottom; row++) {
      const first = (i * height + row) * stride;
      const second = ((batch - 1 - i) * height + row) * stride;
      cut.set(images.subarray(first + left * channels, first + right * channels));
      images.copyWithin(first + left * channels, second + left * channels, second + right * channels);
      images.set(cut, second + left * channels);
    }
  }
}
