import type { Ball } from '@revat/core';

/**
 * Step sizes of APGD for one sample. Linf and L2: the step halves, and the run restarts from its best point, when too few of
 * the last steps helped (Croce and Hein, ICML 2020, section 2.2). L1: step size and sparsity follow the number of pixels
 * that the best point has changed (Croce and Hein, ICML 2021, section 3).
 */
export interface ApgdSchedule {
  /** For the next step. */
  stepSize(): number;
  /** Fraction of the gradient's entries that the next step uses (L1 only). */
  sparsity(): number;
  /**
   * To be told the loss after each step, the best loss so far and its point. Answers whether to go back to that point.
   */
  after(loss: number, bestLoss: number, best: Float32Array): 'continue' | 'restart';
}

/** Fraction of the last steps that must have increased the loss. */
const PROGRESS = 0.75;

/** The schedule for Linf and L2: first step 2 eps, first check after 22 % of the steps, later ones ever closer. */
export function stepSizeSchedule(eps: number, steps: number): ApgdSchedule {
  const shrink = Math.max(Math.floor(0.03 * steps), 1);
  const shortest = Math.max(Math.floor(0.06 * steps), 1);
  let interval = Math.max(Math.floor(0.22 * steps), 1);
  let size = 2 * eps;
  let sinceCheck = 0;
  let increases = 0;
  // The reference compares the first loss with the last row of its table of losses, which is still 0, and not with the loss at
  // the start; with a single step that row is the loss itself, so it is no increase.
  let previousLoss = steps === 1 ? Infinity : 0;
  let reducedBefore = true;
  let bestLossBefore = Infinity;

  return {
    stepSize: () => size,
    sparsity: () => 1,
    after(loss, bestLoss) {
      if (loss > previousLoss) increases++;
      previousLoss = loss;
      if (++sinceCheck < interval) return 'continue';
      const oscillates = increases <= PROGRESS * interval;
      const stalled = !reducedBefore && bestLossBefore >= bestLoss;
      reducedBefore = oscillates || stalled;
      bestLossBefore = bestLoss;
      sinceCheck = 0;
      increases = 0;
      interval = Math.max(interval - shrink, shortest);
      if (!reducedBefore) return 'continue';
      size = Math.fround(size / 2);
      return 'restart';
    },
  };
}

export interface SparsityOptions {
  readonly steps: number;
  /** Sparsity of the first steps; by default the start's number of changed pixels over 1.5. */
  readonly sparsity?: number;
}

/** A support below this fraction of the last counts as progress; compared in float32, where 38 of 40 is not below. */
const SUPPORT_SHRINKS = Math.fround(0.95);
const SPARSITY_DIVISOR = 1.5;
const STEP_DIVISOR = 1.5;
const LARGEST_TO_SMALLEST_STEP = 10;

/** The schedule for L1: first step eps; checks at a fixed interval of 4 % of the steps. */
export function sparsitySchedule(
  ball: Ball,
  start: Float32Array,
  { steps, sparsity }: SparsityOptions,
): ApgdSchedule {
  const dimensions = start.length;
  const interval = Math.max(Math.floor(0.04 * steps), 1);
  let size = ball.eps;
  let support = sparsity === undefined ? changedPixels(ball, start) : dimensions;
  let fraction = sparsity ?? sparsityOf(support, dimensions);
  let sinceCheck = 0;

  return {
    stepSize: () => size,
    sparsity: () => fraction,
    after(_loss, _bestLoss, best) {
      if (++sinceCheck < interval) return 'continue';
      sinceCheck = 0;
      const changed = changedPixels(ball, best);
      const shrank = Math.fround(changed / support) < SUPPORT_SHRINKS;
      const wanted = shrank ? ball.eps : Math.fround(size / STEP_DIVISOR);
      size = Math.min(Math.max(wanted, Math.fround(ball.eps / LARGEST_TO_SMALLEST_STEP)), ball.eps);
      support = changed;
      fraction = sparsityOf(changed, dimensions);
      return shrank ? 'restart' : 'continue';
    },
  };
}

function sparsityOf(changed: number, dimensions: number): number {
  return Math.fround(Math.fround(changed / dimensions) / SPARSITY_DIVISOR);
}

/** Pixels that differ from the centre at all: residues of rounding count, as in the reference. */
function changedPixels({ center }: Ball, point: Float32Array): number {
  let count = 0;
  for (let i = 0; i < point.length; i++) if (Math.fround(point[i] - center[i]) !== 0) count++;
  return count;
}
