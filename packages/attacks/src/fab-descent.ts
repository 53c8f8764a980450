/**
 * One descent of FAB towards a small adversarial perturbation of one image (Croce and Hein, ICML 2020, arXiv:1907.02044, algorithm 1).
 * Step k linearises z_s - z_y at x_k, projects x_k and the clean image x on the plane and the box, and moves to
 *
 *   x_(k+1) = clip((1 - a) (x_k + eta d_1) + a (x + eta d_2)),   a = min(|d_1| / (|d_1| + |d_2|), a_max);
 *
 * a misclassified x_(k+1) is recorded and pulled back to x + beta (x_(k+1) - x). No final line search, as in the reference.
 */
import { lossValue, perturbationNorm, type Ball, type NormName } from '@revat/core';

import type { RunContext } from './define-attack.js';
import { fabMove, type FabMoveOptions, type Plane } from './fab-move.js';
import type { Answer, Query } from './model-evaluator.js';
import { isCorrect, oneHot, type Sample } from './sample.js';

export interface FabStepOptions extends FabMoveOptions {
  readonly steps: number;
  /** beta: the fraction of an adversarial perturbation that is kept before the search goes on. */
  readonly backward: number;
}

/** The smallest adversarial perturbation that a descent has found. */
export interface Found {
  readonly image: Float32Array;
  readonly logits: Float32Array;
  readonly length: number;
}

/** Asks for the plane at `point`; the answer to its query goes through it. */
type PlaneQuery = (point: Float32Array) => Generator<Query, Plane, Answer>;

export interface Descent {
  readonly sample: Sample;
  readonly planeAt: PlaneQuery;
  readonly start: Float32Array;
  readonly restart: number;
  readonly target?: number;
  /** Where to stop; null: go on for the smallest perturbation. */
  readonly goal: Ball | null;
}

/** Makes descents in one norm. */
export function fabDescent(options: FabStepOptions, { name, onStep }: RunContext) {
  const { norm, steps, backward } = options;

  return function* descend(descent: Descent): Generator<Query, Found | null, Answer> {
    const { sample, planeAt, goal } = descent;
    const { image: clean } = sample;
    const point = descent.start.slice();
    let found: Found | null = null;
    let bestLoss = -Infinity;
    for (let step = 1; step <= steps; step++) {
      const plane = yield* planeAt(point);
      fabMove(point, clean, plane, options);
      const { logits } = yield { image: point, loss: null };
      const correct = isCorrect(sample, logits);
      if (onStep) {
        const loss = lossValue('margin', logits, sample.label);
        bestLoss = Math.max(bestLoss, loss);
        onStep({
          attack: name,
          index: sample.index,
          sampleId: sample.sampleId,
          restart: descent.restart,
          target: descent.target,
          step,
          loss,
          bestLoss,
          stepSize: 0,
          correct,
          image: point,
          gradient: plane.normal,
        });
      }
      if (correct) continue;
      const length = perturbationNorm(norm, clean, point);
      if (goal) {
        // The length first: the ball measures it again, and the box.
        const isThere = Math.fround(length) <= goal.eps && goal.contains(point);
        if (isThere) return { image: point, logits, length };
      } else if (!found || length < found.length) found = { image: point.slice(), logits, length };
      pullBack(point, clean, backward);
    }
    return found;
  };
}

/** Keeps that fraction of a perturbation. A function of its own: loops inside generators are compiled badly. */
function pullBack(point: Float32Array, clean: Float32Array, fraction: number): void {
  for (let i = 0; i < point.length; i++) point[i] = clean[i] + fraction * (point[i] - clean[i]);
}

/** The plane between the true class and one target. */
export function targetPlane(sample: Sample, target: number, numClasses: number): PlaneQuery {
  const targetRow = oneHot(target, numClasses);
  return function* (point) {
    const { logits, gradient } = yield {
      image: point,
      loss: 'margin-targeted',
      label: sample.oneHot,
      target: targetRow,
    };
    return { normal: gradient, above: logits[target] - logits[sample.label] };
  };
}

/** The plane of the class whose linearisation is nearest to the point, |f_j| / |w_j|_q in the dual norm (equation 8 there). */
export function nearestPlane(norm: NormName, sample: Sample, numClasses: number): PlaneQuery {
  const { label } = sample;
  const size = sample.image.length;
  const normal = new Float32Array(size);
  return function* (point) {
    const { logits, gradient: gradients } = yield { image: point, loss: 'logits' }; // gradients [K,H,W,C]
    let nearest = -1;
    let least = Infinity;
    for (let k = 0; k < numClasses; k++) {
      if (k === label) continue;
      const distance =
        Math.abs(logits[k] - logits[label]) / (1e-12 + dualLength(norm, gradients, k, label, size));
      if (nearest < 0 || distance < least) {
        nearest = k;
        least = distance;
      }
    }
    for (let i = 0; i < size; i++) normal[i] = gradients[nearest * size + i] - gradients[label * size + i];
    return { normal, above: logits[nearest] - logits[label] };
  };
}

/** The norm dual to `norm` of the difference of two rows of `gradients`. */
function dualLength(norm: NormName, gradients: Float32Array, k: number, label: number, size: number): number {
  let total = 0;
  for (let i = 0; i < size; i++) {
    const slope = Math.abs(gradients[k * size + i] - gradients[label * size + i]);
    if (norm === 'L2') total += slope * slope;
    else if (norm === 'Linf') total += slope;
    else if (slope > total) total = slope;
  }
  return norm === 'L2' ? Math.sqrt(total) : total;
}
