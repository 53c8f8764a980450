import type { NormName } from '@revat/core';

import type { Answer, Query } from './model-evaluator.js';
import { oneHot, targetClasses, type Sample } from './sample.js';

/**
 * The choice of target classes of MALT (Melamed, Yehudai and Vardi, "MALT powers up adversarial attacks", NeurIPS 2024): with
 * a network that is almost linear around an image, the class to aim at is the one with the nearest decision boundary
 * of the linearised network, not the one with the largest logit.
 */

/** Classes looked at, the most likely ones; each costs a forward and a backward pass. */
const CANDIDATES = 30;

/** The `count` classes with the smallest (z_y - z_t) / |gradient of z_t - z_y| in the dual norm, nearest first. */
export function* nearestClasses(
  sample: Sample,
  count: number,
  norm: NormName,
): Generator<Query, number[], Answer> {
  const { image, label, oneHot: labelRow, cleanLogits } = sample;
  const candidates = targetClasses(sample, Math.max(count, CANDIDATES));
  const distances: { readonly target: number; readonly distance: number }[] = [];
  for (const target of candidates) {
    const targetRow = oneHot(target, cleanLogits.length);
    const { gradient } = yield { image, loss: 'margin-targeted', label: labelRow, target: targetRow };
    distances.push({
      target,
      distance: (cleanLogits[label] - cleanLogits[target]) / (dualLength(gradient, norm) + 1e-12),
    });
  }
  // Equal distances, as of zero gradients, keep the order of the logits.
  distances.sort((a, b) => a.distance - b.distance);
  return distances.slice(0, count).map(({ target }) => target);
}

/** The length of a gradient in the norm dual to that of the perturbation. */
function dualLength(gradient: Float32Array, norm: NormName): number {
  let length = 0;
  for (let i = 0; i < gradient.length; i++) {
    const size = Math.abs(gradient[i]);
    if (norm === 'L2') length += size * size;
    else length = norm === 'Linf' ? length + size : Math.max(length, size);
  }
  return norm === 'L2' ? Math.sqrt(length) : length;
}
