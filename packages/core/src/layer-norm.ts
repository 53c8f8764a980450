import * as tf from '@tensorflow/tfjs-core';

/** The kernel that a backend may register for `layerNorm`: inputs { x, gamma, beta }, attribute { epsilon }. */
export const LAYER_NORM_KERNEL = 'LayerNorm';

/**
 * Layer normalisation of the last axis: gamma (x - mean) / sqrt(variance + epsilon) + beta, with the biased variance
 * (Ba, Kiros and Hinton 2016, equation 4; `torch.nn.LayerNorm`). x: float32 [..., C]; gamma, beta: float32 [C];
 * epsilon >= 0. Returns a tensor of x's shape, which the caller disposes. A backend with a kernel of its own runs that;
 * any other composes it of tfjs operations.
 */
export function layerNorm<T extends tf.Tensor>(
  x: T,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  epsilon = 1e-5,
): T {
  if (tf.getKernel(LAYER_NORM_KERNEL, tf.getBackend())) {
    return tf.engine().runKernel<T>(LAYER_NORM_KERNEL, { x, gamma, beta }, { epsilon });
  }
  return tf.tidy(() => {
    const centred = tf.sub(x, tf.mean(x, -1, true));
    const variance = tf.mean(tf.square(centred), -1, true);
    const normalised = tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon)));
    return tf.add(tf.mul(normalised, gamma), beta);
  });
}
