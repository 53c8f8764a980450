import * as tf from '@tensorflow/tfjs-core';

import { RevatError } from './errors.js';

/**
 * Losses that attacks maximise, per example, as tensor operations with closed-form gradients with respect to the logits.
 * Cross-entropy; DLR and targeted DLR (Croce and Hein, "Reliable evaluation of adversarial robustness with an ensemble of
 * diverse parameter-free attacks", ICML 2020, eqs. 6 and 7); the logit margin, for models with too few classes for DLR; the
 * margin between probabilities (Xie et al., "Towards million-scale adversarial robustness evaluation with stronger
 * individual attacks", 2024, arXiv:2411.15210).
 * Gradients flow through DLR's denominator; at ties the first of the equal logits counts as the larger.
 */
export const LOSS_NAMES = [
  'ce',
  'dlr',
  'margin',
  'probability-margin',
  'ce-targeted',
  'dlr-targeted',
  'margin-targeted',
] as const;
export type LossName = (typeof LOSS_NAMES)[number];

/** The fewest classes for which a loss is defined: DLR compares with the 3rd largest logit, targeted DLR with the 4th. */
export const MIN_CLASSES: Readonly<Record<LossName, number>> = {
  ce: 2,
  dlr: 3,
  margin: 2,
  'probability-margin': 2,
  'ce-targeted': 2,
  'dlr-targeted': 4,
  'margin-targeted': 2,
};

/** Labels int32 [B], or one distribution over the classes per example, float32 [B,K]. */
export type Targets = tf.Tensor1D | tf.Tensor2D;

/** Keeps the denominators of the DLR losses from zero. */
export const DLR_EPSILON = 1e-12;
/** Larger than any logit difference; subtracting it takes a class out of a maximum. */
const TAKEN_OUT = 1e30;

/**
 * The loss of that name per example: float32 [B]. logits [B,K]; labels: classes [B] or, for 'ce' distributions, else one-hot
 * rows [B,K]; targets: the classes aimed at, needed by the targeted losses. The caller disposes the result.
 * Throws 'invalid-argument' if targets are missing or there are too few classes.
 */
export function attackLoss(
  name: LossName,
  logits: tf.Tensor2D,
  labels: Targets,
  targets?: Targets,
): tf.Tensor1D {
  if (logits.shape[1] < MIN_CLASSES[name]) {
    throw new RevatError(
      'invalid-argument',
      `${name}: needs at least ${MIN_CLASSES[name]} classes, the logits have ${logits.shape[1]}. Use "margin" or "ce".`,
    );
  }
  if (name === 'ce') return crossEntropy(logits, labels);
  if (name === 'dlr') return dlr(logits, labels);
  if (name === 'margin') return margin(logits, labels);
  if (name === 'probability-margin') return probabilityMargin(logits, labels);
  if (!targets) throw new RevatError('invalid-argument', `${name}: give the target classes.`);
  if (name === 'ce-targeted') return tf.tidy(() => tf.neg(crossEntropy(logits, targets)));
  if (name === 'dlr-targeted') return targetedDlr(logits, labels, targets);
  return targetedMargin(logits, labels, targets);
}

/**
 * Cross-entropy, -sum_k y_k log softmax(z)_k, per example [B]. The caller disposes it. Value and gradient, softmax(z) - y
 * where y sums to 1, are computed from the logarithm of the softmax in PyTorch's order, so that they round alike: for
 * confident predictions p_y - 1 keeps few bits, and L2 and L1 steps depend on them.
 */
export function crossEntropy(logits: tf.Tensor2D, targets: Targets): tf.Tensor1D {
  return tf.tidy(() => {
    const distribution = asRows(targets, logits.shape[1]);
    return withGradient(logits, (z) => {
      const logProbabilities = logSoftmax(z);
      const total = tf.sum(distribution, 1, true); // [B,1], 1 unless the rows are weighted
      const gradient = tf.sub(tf.mul(tf.exp(logProbabilities), total), distribution);
      return { value: tf.neg(dot(distribution, logProbabilities)), gradient };
    });
  });
}

/** Partial sums of a vector instruction of 8 floats. */
const LANES = 8;

/** log softmax(z), rounded alike on every backend: the exponentials are added in a fixed order, that of 8-float vectors. */
function logSoftmax(z: tf.Tensor2D): tf.Tensor2D {
  const [batch, classes] = z.shape;
  const shifted = tf.sub(z, tf.max(z, 1, true));
  const chunks = Math.ceil(classes / LANES);
  const padded = tf.pad(tf.exp(shifted), [
    [0, 0],
    [0, chunks * LANES - classes],
  ]);
  let sums: tf.Tensor = tf.sum(tf.reshape(padded, [batch, chunks, LANES]), 1); // [B,8]
  for (let lanes = LANES / 2; lanes >= 1; lanes /= 2) sums = tf.sum(tf.reshape(sums, [batch, 2, lanes]), 1); // [B,lanes]
  return tf.sub(shifted, tf.log(sums));
}

/** The logit margin, max_{j != y} z_j - z_y, per example [B]; > 0 where misclassified. The caller disposes it. */
export function margin(logits: tf.Tensor2D, labels: Targets): tf.Tensor1D {
  return tf.tidy(() => {
    const label = asRows(labels, logits.shape[1]);
    return withGradient(logits, (z) => {
      const direction = tf.sub(maskOfLargest(without(z, label)), label);
      return { value: dot(direction, z), gradient: direction };
    });
  });
}

/** max_{j != y} p_j - p_y of the probabilities p = softmax(z), per example [B]; > 0 where misclassified. The caller disposes it. */
export function probabilityMargin(logits: tf.Tensor2D, labels: Targets): tf.Tensor1D {
  return tf.tidy(() => {
    const label = asRows(labels, logits.shape[1]);
    return withGradient(logits, (z) => {
      const direction = tf.sub(maskOfLargest(without(z, label)), label);
      const probabilities = tf.exp(logSoftmax(z));
      const value = dot(direction, probabilities);
      return { value, gradient: tf.mul(probabilities, tf.sub(direction, tf.expandDims(value, 1))) };
    });
  });
}

/** z_t - z_y per example [B]. The caller disposes it. */
export function targetedMargin(logits: tf.Tensor2D, labels: Targets, targets: Targets): tf.Tensor1D {
  return tf.tidy(() => {
    const classes = logits.shape[1];
    const direction = tf.sub(asRows(targets, classes), asRows(labels, classes));
    return withGradient(logits, (z) => ({ value: dot(direction, z), gradient: direction }));
  });
}

/** Difference of logits ratio, -(z_y - max_{j != y} z_j) / (z_(1) - z_(3) + 1e-12), per example [B]. The caller disposes it. */
export function dlr(logits: tf.Tensor2D, labels: Targets): tf.Tensor1D {
  return tf.tidy(() => {
    const label = asRows(labels, logits.shape[1]);
    return withGradient(logits, (z) => {
      const direction = tf.sub(maskOfLargest(without(z, label)), label);
      return ratio(z, direction, weightedByRank(z, [1, 0, -1]));
    });
  });
}

/** Targeted DLR, -(z_y - z_t) / (z_(1) - (z_(3) + z_(4)) / 2 + 1e-12), per example [B]. The caller disposes it. */
export function targetedDlr(logits: tf.Tensor2D, labels: Targets, targets: Targets): tf.Tensor1D {
  return tf.tidy(() => {
    const classes = logits.shape[1];
    const direction = tf.sub(asRows(targets, classes), asRows(labels, classes));
    return withGradient(logits, (z) => {
      return ratio(z, direction, weightedByRank(z, [1, 0, -0.5, -0.5]));
    });
  });
}

interface ValueAndGradient {
  /** [B] */
  readonly value: tf.Tensor;
  /** With respect to the logits, [B,K]. */
  readonly gradient: tf.Tensor;
}

/** Gives a per-example loss its gradient in closed form: fewer operations than differentiating its parts. */
function withGradient(logits: tf.Tensor2D, loss: (z: tf.Tensor2D) => ValueAndGradient): tf.Tensor1D {
  const custom = tf.customGrad<tf.Tensor1D>((z, save) => {
    const { value, gradient } = loss(z as tf.Tensor2D);
    (save as tf.GradSaveFunc)([gradient]);
    const gradFunc = (dy: tf.Tensor, [saved]: tf.Tensor[]) => tf.mul(tf.expandDims(dy, 1), saved);
    return { value: value as tf.Tensor1D, gradFunc };
  });
  return custom(logits);
}

/** n.z / (d.z + 1e-12) and its gradient (n - value d) / (d.z + 1e-12). */
function ratio(z: tf.Tensor2D, numerator: tf.Tensor, denominator: tf.Tensor): ValueAndGradient {
  const bottom = tf.add(dot(denominator, z), DLR_EPSILON);
  const value = tf.div(dot(numerator, z), bottom);
  const slope = tf.sub(numerator, tf.mul(tf.expandDims(value, 1), denominator));
  return { value, gradient: tf.div(slope, tf.expandDims(bottom, 1)) };
}

function dot(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return tf.sum(tf.mul(a, b), 1); // [B,K] -> [B]
}

/** Rows with these weights at the largest, the second largest, ... logit and 0 elsewhere: [B,K]. */
function weightedByRank(z: tf.Tensor2D, weights: readonly number[]): tf.Tensor {
  const { indices } = tf.topk(z, weights.length);
  const masks = tf.oneHot(indices, z.shape[1], 1, 0, 'float32'); // [B,ranks] -> [B,ranks,K]
  return tf.sum(tf.mul(masks, tf.tensor(weights as number[], [weights.length, 1])), 1);
}

function maskOfLargest(z: tf.Tensor): tf.Tensor {
  return tf.oneHot(tf.argMax(z, 1), z.shape[1]!, 1, 0, 'float32');
}

function without(z: tf.Tensor, mask: tf.Tensor): tf.Tensor {
  return tf.sub(z, tf.mul(mask, TAKEN_OUT));
}

/** Labels [B] as one-hot rows [B,K]; rows as they are. */
function asRows(targets: Targets, classes: number): tf.Tensor2D {
  if (targets.rank === 2) return targets as tf.Tensor2D;
  return tf.oneHot(tf.cast(targets, 'int32'), classes, 1, 0, 'float32') as tf.Tensor2D;
}
