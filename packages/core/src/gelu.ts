import * as tf from '@tensorflow/tfjs-core';

/** The kernel that a backend may register for `gelu`: inputs { x }, no attributes, one output of x's shape. */
export const GELU_KERNEL = 'Gelu';

/**
 * The Gaussian error linear unit in its exact form, x Phi(x) with Phi(x) = (1 + erf(x / sqrt 2)) / 2
 * (Hendrycks and Gimpel 2016, equation 1; `torch.nn.GELU()`). x: float32 of any shape. Returns a tensor of that shape,
 * which the caller disposes. A backend with a kernel of its own runs that; any other composes it of tfjs operations.
 */
export function gelu<T extends tf.Tensor>(x: T): T {
  if (tf.getKernel(GELU_KERNEL, tf.getBackend())) return tf.engine().runKernel<T>(GELU_KERNEL, { x });
  return tf.tidy(() => {
    const twicePhi = tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1);
    return tf.mul(tf.mul(x, 0.5), twicePhi);
  });
}
