import { named, truncatedNormal, type CostMeter, type Layer, type Scope, type Shape } from '@revat/stems';
import * as tf from '@tensorflow/tfjs-core';
import { linear } from './linear.js';

/** Multi-head self-attention over tokens (Vaswani et al. 2017, section 3.2): one product for q, k and v. [B, L, D]. */
export function selfAttention(scope: Scope, dim: number, heads: number): Layer<tf.Tensor3D> {
  const weightInitial = truncatedNormal(0.02);
  const qkv = linear<tf.Tensor3D>(scope.child('qkv'), {
    inFeatures: dim,
    outFeatures: 3 * dim,
    weightInitial,
  });
  const projection = linear<tf.Tensor3D>(scope.child('proj'), {
    inFeatures: dim,
    outFeatures: dim,
    weightInitial,
  });
  return named(scope.path, {
    forward(x, pass) {
      const [q, k, v] = splitHeads(qkv.forward(x, pass), heads);
      return projection.forward(mergeHeads(attend(q, k, v)), pass);
    },
    cost(shape, meter) {
      attentionCost(scope.path, qkv.cost(shape, meter), shape[0], meter);
      return projection.cost(shape, meter);
    },
  });
}

/** Fused [B, L, 3 D] to q, k, v, each [B, heads, L, d]; in D, head h owns h d .. (h + 1) d - 1. */
export function splitHeads(qkv: tf.Tensor3D, heads: number): [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D] {
  const [batch, length, width] = qkv.shape;
  const headDim = width / 3 / heads;
  const parts = tf.transpose(tf.reshape(qkv, [batch, length, 3, heads, headDim]), [2, 0, 3, 1, 4]); // [3, B, heads, L, d]
  return tf.split(parts, 3, 0).map((part) => tf.reshape(part, [batch, heads, length, headDim])) as [
    tf.Tensor4D,
    tf.Tensor4D,
    tf.Tensor4D,
  ];
}

/** [B, heads, L, d] to [B, L, heads d]. */
export function mergeHeads(x: tf.Tensor4D): tf.Tensor3D {
  const [batch, heads, length, headDim] = x.shape;
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [batch, length, heads * headDim]);
}

/** softmax(q k^T / sqrt(d) + bias) v, heads on axis 1. `bias` broadcasts to [B, heads, Lq, Lk]. */
export function attend(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, bias?: tf.Tensor): tf.Tensor4D {
  const scores = tf.matMul(tf.mul(q, 1 / Math.sqrt(q.shape[3])), k, false, true);
  return tf.matMul(tf.softmax(bias ? tf.add(scores, bias) : scores), v);
}

/** Scores and weighted sum of `keys` keys a query; `qkvShape` is [L, 3 D]. */
export function attentionCost(path: string, qkvShape: Shape, keys: number, meter: CostMeter): void {
  const [queries, width] = qkvShape;
  meter.add(path, 'matmul', 2 * queries * keys * (width / 3));
}
