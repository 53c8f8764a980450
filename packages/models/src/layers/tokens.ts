import type { Layer } from '@revat/stems';
import * as tf from '@tensorflow/tfjs-core';

/** A map [B, H, W, C] as tokens [B, H W, C], row by row. */
export const flattenMap: Layer<tf.Tensor4D, tf.Tensor3D> = {
  forward: (x) => tf.reshape(x, [x.shape[0], x.shape[1] * x.shape[2], x.shape[3]]), // [B, H * W, C]
  cost: ([height, width, channels]) => [height * width, channels],
};

/** One token [1, 1, C] put before the tokens [B, L, C] of every image: [B, L + 1, C]. */
export function prependToken(token: tf.Tensor3D, tokens: tf.Tensor3D): tf.Tensor3D {
  const [batch, , channels] = tokens.shape;
  return tf.concat([tf.broadcastTo(token, [batch, 1, channels]), tokens], 1);
}

/** The first token: [B, L, C] to [B, C]. */
export function firstToken(tokens: tf.Tensor3D): tf.Tensor2D {
  const [batch, , channels] = tokens.shape;
  return tf.reshape(tf.slice(tokens, [0, 0, 0], [batch, 1, channels]), [batch, channels]);
}
