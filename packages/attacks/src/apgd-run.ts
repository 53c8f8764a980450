import { lossValue, type Ball, type Bounds } from '@revat/core';

import { sparsitySchedule, stepSizeSchedule } from './apgd-schedule.js';
import { ascend, gradientAt, stepEvent, type Objective } from './ascent.js';
import type { RunContext } from './define-attack.js';
import type { Answer, Query } from './model-evaluator.js';
import { isCorrect, type Sample } from './sample.js';
import { stepMemory } from './step-kernels.js';

/**
 * One run of APGD on one sample: "Auto-PGD", Croce and Hein, ICML 2020, algorithm 1, for Linf and L2; l1-APGD, Croce and
 * Hein, ICML 2021, for L1. Step sizes, momentum and restarts follow the public implementation to the letter, its quirks
 * included. Deviations, none of which changes a verdict: a run may end at the first misclassified point; no gradient is
 * computed after the last step.
 */

export interface ApgdRunOptions {
  readonly steps: number;
  readonly restart: number;
  /** Evaluations averaged per gradient. */
  readonly eotIterations: number;
  /** End at the first misclassified point. */
  readonly stopWhenBroken: boolean;
  /** L1: sparsity of the first steps; by default that of the start point's perturbation, over 1.5. */
  readonly sparsity?: number;
}

export interface ApgdRunResult {
  /** The last misclassified point and its logits; null if there was none. */
  readonly broken: Visited | null;
  /** The point with the highest loss. */
  readonly best: Visited & { readonly loss: number };
}

interface Visited {
  readonly image: Float32Array;
  readonly logits: Float32Array;
}

/** Momentum of the second step and later: 0.75 (z - x) + 0.25 (x - x_old). */
const MOMENTUM = 0.75;

/** Climbs the objective from `start`, which must be in the ball; counts the start as a visited point. */
export function* apgdRun(
  sample: Sample,
  ball: Ball,
  start: Float32Array,
  objective: Objective,
  options: ApgdRunOptions,
  context: RunContext,
): Generator<Query, ApgdRunResult, Answer> {
  const { steps, eotIterations, stopWhenBroken } = options;
  const schedule =
    ball.norm === 'L1' ? sparsitySchedule(ball, start, options) : stepSizeSchedule(ball.eps, steps);
  let current: Float32Array = start.slice();
  let previous: Float32Array = start.slice();
  let next: Float32Array = new Float32Array(start.length);
  const bestImage = start.slice();
  const bestGradient = new Float32Array(start.length);
  let best: ApgdRunResult['best'] = { image: bestImage, logits: new Float32Array(0), loss: -Infinity };
  let broken: Visited | null = null;
  let gradient: Float32Array = bestGradient;
  let stepSize = 0;

  for (let step = 0; step <= steps; step++) {
    if (step > 0) {
      stepSize = schedule.stepSize();
      climb(ball, gradient, stepSize, schedule.sparsity(), step > 1, { previous, current, next });
      [previous, current, next] = [current, next, previous];
    }
    const answer: Answer =
      step < steps
        ? yield* gradientAt(current, objective, eotIterations)
        : yield { image: current, loss: null };
    gradient = answer.gradient;
    const loss = lossValue(objective.loss, answer.logits, sample.label, objective.target, objective.label);
    const correct = isCorrect(sample, answer.logits);
    if (step === 0 || loss > best.loss) {
      bestImage.set(current);
      if (step < steps) bestGradient.set(gradient);
      best = { image: bestImage, logits: answer.logits, loss };
    }
    if (!correct) broken = { image: current.slice(), logits: answer.logits };
    context.onStep?.(
      stepEvent(context, sample, objective, {
        restart: options.restart,
        step,
        loss,
        bestLoss: best.loss,
        stepSize,
        correct,
        image: current,
        gradient: step < steps ? gradient : null,
      }),
    );
    if (broken && stopWhenBroken) break;
    if (step > 0 && schedule.after(loss, best.loss, bestImage) === 'restart') {
      current.set(bestImage);
      gradient = bestGradient;
    }
  }
  return { broken, best };
}

interface Points {
  readonly previous: Float32Array;
  readonly current: Float32Array;
  readonly next: Float32Array;
}

/** Writes the next point. A function of its own: loops inside generators are compiled badly. */
function climb(
  ball: Ball,
  gradient: Float32Array,
  stepSize: number,
  sparsity: number,
  hasMomentum: boolean,
  { previous, current, next }: Points,
): void {
  if (ball.bounds) {
    climbLinf(ball.bounds, gradient, stepSize, hasMomentum, { previous, current, next });
    return;
  }
  ascend(ball.norm, current, gradient, stepSize, next, sparsity);
  ball.project(next);
  if (!hasMomentum || ball.norm === 'L1') return;
  addMomentum(current, previous, next);
  ball.project(next);
}

/** As `climb`, in one pass on WebAssembly with the same bits. */
function climbLinf(
  { low, high }: Bounds,
  gradient: Float32Array,
  stepSize: number,
  hasMomentum: boolean,
  { previous, current, next }: Points,
): void {
  const { kernels, length, arrays } = stepMemory(gradient.length);
  const [x, old, slope, least, most, z] = arrays;
  x.values.set(current);
  old.values.set(previous);
  slope.values.set(gradient);
  least.values.set(low);
  most.values.set(high);
  kernels.climb(
    x.address,
    old.address,
    slope.address,
    least.address,
    most.address,
    z.address,
    length,
    stepSize,
    hasMomentum,
  );
  next.set(z.values);
}

/** Replaces z by x + 0.75 (z - x) + 0.25 (x - x_old). */
function addMomentum(current: Float32Array, previous: Float32Array, next: Float32Array): void {
  for (let i = 0; i < next.length; i++) {
    next[i] = current[i] + MOMENTUM * (next[i] - current[i]) + (1 - MOMENTUM) * (current[i] - previous[i]);
  }
}
