import { DLR_EPSILON, type LossName } from './losses.js';

/** Looked up once: these functions are called for every pixel. */
const { exp, fround, log, max } = Math;

/**
 * The values of `attackLoss` for one example on the host, from logits that were read back: attacks decide by them.
 * Computed in doubles and rounded once to float32.
 */

/** The loss of that name; label and target are classes; `distribution` replaces the label in 'ce' (soft labels). */
export function lossValue(
  name: LossName,
  logits: ArrayLike<number>,
  label: number,
  target = -1,
  distribution?: ArrayLike<number>,
): number {
  return fround(exactLoss(name, logits, label, target, distribution));
}

function exactLoss(
  name: LossName,
  logits: ArrayLike<number>,
  label: number,
  target: number,
  distribution?: ArrayLike<number>,
): number {
  switch (name) {
    case 'ce':
      return distribution ? softCrossEntropy(logits, distribution) : logSumExp(logits) - logits[label];
    case 'ce-targeted':
      return logits[target] - logSumExp(logits);
    case 'margin':
      return largestOther(logits, label) - logits[label];
    case 'probability-margin': {
      const normaliser = logSumExp(logits);
      return exp(largestOther(logits, label) - normaliser) - exp(logits[label] - normaliser);
    }
    case 'margin-targeted':
      return logits[target] - logits[label];
    case 'dlr': {
      const [first, , third] = largestLogits(logits, 3);
      return (largestOther(logits, label) - logits[label]) / (first - third + DLR_EPSILON);
    }
    case 'dlr-targeted': {
      const [first, , third, fourth] = largestLogits(logits, 4);
      return (logits[target] - logits[label]) / (first - 0.5 * (third + fourth) + DLR_EPSILON);
    }
  }
}

/** The predicted class: the first of the largest logits; -1 where any logit is NaN, since no class is then predicted. */
export function predictedClass(logits: ArrayLike<number>): number {
  let best = 0;
  for (let k = 0; k < logits.length; k++) {
    if (Number.isNaN(logits[k])) return -1;
    if (logits[k] > logits[best]) best = k;
  }
  return best;
}

/** The classes from the largest logit to the smallest, equal logits in the order of their classes. */
export function classesByLogit(logits: ArrayLike<number>): number[] {
  return Array.from(logits, (_, k) => k).sort((a, b) => logits[b] - logits[a] || a - b);
}

function logSumExp(logits: ArrayLike<number>): number {
  let largest = -Infinity;
  for (let k = 0; k < logits.length; k++) largest = max(largest, logits[k]);
  let sum = 0;
  for (let k = 0; k < logits.length; k++) sum += exp(logits[k] - largest);
  return largest + log(sum);
}

function softCrossEntropy(logits: ArrayLike<number>, distribution: ArrayLike<number>): number {
  const normaliser = logSumExp(logits);
  let loss = 0;
  for (let k = 0; k < logits.length; k++) loss += distribution[k] * (normaliser - logits[k]);
  return loss;
}

function largestOther(logits: ArrayLike<number>, label: number): number {
  let largest = -Infinity;
  for (let k = 0; k < logits.length; k++) if (k !== label && logits[k] > largest) largest = logits[k];
  return largest;
}

/** The `count` largest logits in descending order, by insertion. */
function largestLogits(logits: ArrayLike<number>, count: number): number[] {
  const largest = new Array<number>(count).fill(-Infinity);
  for (let k = 0; k < logits.length; k++) {
    let value = logits[k];
    for (let rank = 0; rank < count; rank++) {
      if (value <= largest[rank]) continue;
      [largest[rank], value] = [value, largest[rank]];
    }
  }
  return largest;
}
