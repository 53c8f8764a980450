import * as tf from '@tensorflow/tfjs-core';

import type { NormName } from './norm-name.js';

/**
 * Projections of a batch onto the balls of the threat models as tensor operations, without a read: for attacks inside a
 * training step. On the host, and exactly in the ball, `createBall` does the same for one image.
 */

/** Halvings of the L1 threshold's interval: 2^-30 of the longest coordinate is below float32's resolution. */
const HALVINGS = 30;

/**
 * Points moved into the ball of radius eps around `center` and into [0,1]. center, points: float32 [B,H,W,C]. Linf and L1: the
 * nearest point; L2: scaled to the radius, then clipped. The caller disposes the result.
 */
export function projectBatch(
  norm: NormName,
  center: tf.Tensor4D,
  points: tf.Tensor4D,
  eps: number,
): tf.Tensor4D {
  return tf.tidy(() => {
    if (norm === 'Linf') {
      const inBall: tf.Tensor4D = tf.minimum(tf.maximum(points, tf.sub(center, eps)), tf.add(center, eps));
      return tf.clipByValue(inBall, 0, 1);
    }
    const delta = tf.sub(points, center);
    if (norm === 'L2') {
      const length = lengthPerImage(delta);
      const scale = tf.div(tf.minimum(length, eps), tf.add(length, 1e-12));
      return tf.clipByValue<tf.Tensor4D>(tf.add(center, tf.mul(delta, scale)), 0, 1);
    }
    return tf.add(tf.add(center, delta), l1Corrections(center, delta, eps));
  });
}

/** Euclidean length of each image's entries: [B,H,W,C] -> [B,1,1,1]. The caller disposes it. */
export function lengthPerImage(images: tf.Tensor): tf.Tensor {
  return tf.tidy(() => tf.sqrt(tf.sum(tf.square(images), [1, 2, 3], true)));
}

/** `l1Correction` for a batch, its threshold found by bisection. */
function l1Corrections(center: tf.Tensor, delta: tf.Tensor, eps: number): tf.Tensor {
  const sizes = tf.abs(delta);
  const overshoot = tf.relu(tf.neg(tf.minimum(tf.sub(tf.sub(1, center), delta), tf.add(center, delta))));
  const given = (alpha: tf.Tensor | number) => tf.minimum(tf.maximum(overshoot, alpha), sizes);
  const total = (values: tf.Tensor) => tf.sum(values, [1, 2, 3], true); // [B,1,1,1]
  const surplus = tf.sub(total(sizes), eps);
  let low: tf.Tensor = tf.zerosLike(surplus);
  let width: tf.Tensor = tf.max(sizes, [1, 2, 3], true);
  for (let halving = 0; halving < HALVINGS; halving++) {
    width = tf.mul(width, 0.5);
    const middle = tf.add(low, width);
    const tooLittle = tf.cast(tf.less(total(given(middle)), surplus), 'float32');
    low = tf.add(low, tf.mul(tooLittle, width));
  }
  // Where the clip to the box alone is enough, alpha stays 0.
  const needed = tf.cast(tf.greater(surplus, total(overshoot)), 'float32');
  const alpha = tf.mul(needed, tf.add(low, width));
  return tf.neg(tf.mul(tf.sign(delta), given(alpha)));
}
