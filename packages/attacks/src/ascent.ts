import { RevatError, type LossName, MIN_CLASSES, type NormName } from '@revat/core';

import type { StepEvent } from './attack.js';
import type { RunContext } from './define-attack.js';
import type { Answer, Query } from './model-evaluator.js';
import type { Sample } from './sample.js';

/** Looked up once: these functions are called for every pixel. */
const { abs, fround, max, min, sqrt, trunc } = Math;

/** What gradient attacks share: asking for a loss's gradient, and steps of steepest ascent. */

/** A loss to climb on one sample; `target` is the class aimed at by a targeted loss, else -1. */
export interface Objective {
  readonly loss: LossName;
  readonly label: Float32Array;
  readonly targetRow?: Float32Array;
  readonly target: number;
}

/** The loss, or with too few classes for it the margin of the same kind, which is reported. */
export function lossForClasses(
  loss: LossName,
  context: Pick<RunContext, 'name' | 'numClasses' | 'report'>,
): LossName {
  const { name, numClasses, report } = context;
  if (numClasses >= MIN_CLASSES[loss]) return loss;
  const substitute = loss === 'dlr-targeted' ? 'margin-targeted' : 'margin';
  report({
    code: 'loss-substituted',
    severity: 'info',
    message: `${name}: the model has ${numClasses} classes, ${loss} needs ${MIN_CLASSES[loss]}; ${substitute} (difference of two logits) was used.`,
    consequence: 'The numbers are not those of the standard protocol, which is undefined for so few classes.',
    fix: 'Nothing to do; state the substitution when you report.',
  });
  return substitute;
}

/** Throws 'invalid-argument' if a targeted loss was given where the attack has no targets. */
export function requireUntargeted(attack: string, loss: LossName): void {
  if (!loss.endsWith('-targeted')) return;
  throw new RevatError(
    'invalid-argument',
    `${attack}: loss ${loss} needs targets. Use apgd-t (apgdTargeted) for it.`,
  );
}

export function untargeted(loss: LossName, sample: Sample): Objective {
  return { loss, label: loss === 'ce' ? sample.distribution : sample.oneHot, target: -1 };
}

/**
 * Asks for logits and the gradient of the objective at an image, averaged over `passes` evaluations for models with
 * randomness; the logits are those of the last pass, as in the reference.
 */
export function* gradientAt(
  image: Float32Array,
  objective: Objective,
  passes: number,
): Generator<Query, Answer, Answer> {
  const query: Query = { image, loss: objective.loss, label: objective.label, target: objective.targetRow };
  let answer = yield query;
  if (passes === 1) return answer;
  const sum = Float64Array.from(answer.gradient);
  for (let pass = 1; pass < passes; pass++) {
    answer = yield query;
    for (let i = 0; i < sum.length; i++) sum[i] += answer.gradient[i];
  }
  return { logits: answer.logits, gradient: Float32Array.from(sum, (value) => value / passes) };
}

/** What `onStep` is told about a step. */
export function stepEvent(
  { name }: Pick<RunContext, 'name'>,
  { index, sampleId }: Sample,
  { target }: Objective,
  facts: Omit<StepEvent, 'attack' | 'index' | 'sampleId' | 'target'>,
): StepEvent {
  return { attack: name, index, sampleId, target: target < 0 ? undefined : target, ...facts };
}

/**
 * Writes from + stepSize * direction into `to`. Linf: the gradient's sign; L2: the gradient over its length; L1: the signs of
 * the largest fraction `sparsity` of its entries over their number, so that the step has that length in the norm.
 */
export function ascend(
  norm: NormName,
  from: Float32Array,
  gradient: Float32Array,
  stepSize: number,
  to: Float32Array,
  sparsity: number,
): void {
  if (norm === 'Linf') {
    for (let i = 0; i < from.length; i++) {
      // Arithmetic on comparisons: processors guess branches on the sign wrong half of the time.
      to[i] = from[i] + stepSize * (+(gradient[i] > 0) - +(gradient[i] < 0));
    }
  } else if (norm === 'L2') {
    let squares = 0;
    for (let i = 0; i < gradient.length; i++) squares += gradient[i] * gradient[i];
    const scale = stepSize / (sqrt(squares) + 1e-12);
    for (let i = 0; i < from.length; i++) to[i] = from[i] + scale * gradient[i];
  } else sparseStep(from, gradient, stepSize, to, sparsity);
}

function sparseStep(
  from: Float32Array,
  gradient: Float32Array,
  stepSize: number,
  to: Float32Array,
  sparsity: number,
): void {
  const sizes = gradient.map(abs);
  const rank = trunc(fround(fround(1 - sparsity) * sizes.length));
  const threshold = orderStatistic(sizes, max(0, min(sizes.length - 1, rank)));
  let kept = 0;
  for (let i = 0; i < gradient.length; i++) if (gradient[i] !== 0 && abs(gradient[i]) >= threshold) kept++;
  const move = stepSize / (kept + 1e-10);
  for (let i = 0; i < from.length; i++) {
    const slope = gradient[i];
    to[i] = slope === 0 || abs(slope) < threshold ? from[i] : slope > 0 ? from[i] + move : from[i] - move;
  }
}

/** The value at `rank` of the ascending order (quickselect); reorders `values`. */
export function orderStatistic(values: Float32Array, rank: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const pivot = values[(low + high) >> 1];
    let left = low;
    let right = high;
    while (left <= right) {
      while (values[left] < pivot) left++;
      while (values[right] > pivot) right--;
      if (left > right) break;
      const swap = values[left];
      values[left++] = values[right];
      values[right--] = swap;
    }
    if (rank <= right) high = right;
    else if (rank >= left) low = left;
    else return values[rank];
  }
  return values[rank];
}
