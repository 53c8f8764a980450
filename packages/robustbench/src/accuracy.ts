import { RevatError } from '@revat/core';

/** A share of images: counts first, so that nobody has to guess how many images a percentage stands for. */
export interface Accuracy {
  /** Images classified correctly (clean accuracy) or not broken by any attack (robust accuracy). */
  readonly correct: number;
  readonly total: number;
  /** correct / total, in [0, 1]. */
  readonly accuracy: number;
  /** Wilson score interval at 95 %: [low, high] in [0, 1]. */
  readonly interval: readonly [number, number];
}

/** The 97.5 % point of the standard normal distribution. */
const Z = 1.959963984540054;

/** Accuracy of `correct` of `total` images. Throws 'invalid-argument' unless 0 <= correct <= total and total >= 1. */
export function accuracyOf(correct: number, total: number): Accuracy {
  if (!Number.isInteger(correct) || !Number.isInteger(total) || total < 1 || correct < 0 || correct > total)
    throw new RevatError(
      'invalid-argument',
      `accuracy: ${correct} of ${total} images is no share. Both must be integers with 0 <= correct <= total, total >= 1.`,
    );
  return { correct, total, accuracy: correct / total, interval: wilsonInterval(correct, total) };
}

/**
 * Wilson score interval at 95 % (Wilson, "Probable inference", JASA 22, 1927): unlike the normal approximation it is
 * not empty at 0 % and 100 %, where robust accuracies often are.
 */
function wilsonInterval(correct: number, total: number): [number, number] {
  const share = correct / total;
  const z2 = (Z * Z) / total;
  const center = (share + z2 / 2) / (1 + z2);
  const half = (Z / (1 + z2)) * Math.sqrt((share * (1 - share)) / total + z2 / (4 * total));
  return [correct === 0 ? 0 : Math.max(0, center - half), correct === total ? 1 : Math.min(1, center + half)];
}
