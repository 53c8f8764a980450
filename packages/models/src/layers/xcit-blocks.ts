import { gelu } from '@revat/core';
import {
  batchNorm,
  depthwiseConv2d,
  elementwise,
  layerNorm,
  named,
  ONES,
  sequential,
  truncatedNormal,
  type CostMeter,
  type ForwardPass,
  type Layer,
  type Scope,
  type Shape,
} from '@revat/stems';
import * as tf from '@tensorflow/tfjs-core';
import { attend, mergeHeads, splitHeads } from './attention.js';
import { linear } from './linear.js';
import { mlp } from './mlp.js';
import { dropBranch } from './stochastic-depth.js';

interface BlockOptions {
  readonly dim: number;
  readonly heads: number;
  readonly hidden: number;
  readonly layerScale: number;
}

/** A block on tokens that also needs to know their grid; `cost` takes the map's shape [H, W, D]. */
export interface GridBlock {
  forward(tokens: tf.Tensor3D, grid: readonly [number, number], pass: ForwardPass): tf.Tensor3D;
  cost(map: Shape, meter: CostMeter): void;
}

const EPSILON = 1e-6;

/**
 * x + g1 XCA(LN1 x), then x + g3 LPI(LN3 x), then x + g2 MLP(LN2 x): in this order (El-Nouby et al. 2021, section 3.3).
 * Tokens [B, L, D] of a grid of L = H W.
 */
export function crossCovarianceBlock(scope: Scope, options: BlockOptions & { dropRate: number }): GridBlock {
  const { dim, heads, hidden, layerScale, dropRate } = options;
  const [gamma1, gamma3, gamma2] = ['gamma1', 'gamma3', 'gamma2'].map((name) =>
    scope.declare<tf.Tensor1D>(name, [dim], { kind: 'constant', value: layerScale }),
  );
  const norm = (name: string) =>
    layerNorm<tf.Tensor3D>(scope.child(name), { channels: dim, epsilon: EPSILON });
  const [norm1, attention] = [norm('norm1'), crossCovarianceAttention(scope.child('attn'), dim, heads)];
  const [norm3, interaction] = [norm('norm3'), localPatchInteraction(scope.child('local_mp'), dim)];
  const [norm2, feedForward] = [norm('norm2'), mlp<tf.Tensor3D>(scope.child('mlp'), dim, hidden)];
  return {
    forward(tokens, [height, width], pass) {
      const add = (x: tf.Tensor3D, gamma: tf.Tensor1D, branch: tf.Tensor3D) =>
        tf.add<tf.Tensor3D>(x, dropBranch(tf.mul(branch, gamma), dropRate, pass));
      const attended = add(tokens, gamma1(), attention.forward(norm1.forward(tokens, pass), pass));
      const map = tf.reshape<tf.Rank.R4>(norm3.forward(attended, pass), [-1, height, width, dim]); // [B, H, W, D]
      const local = tf.reshape<tf.Rank.R3>(interaction.forward(map, pass), tokens.shape); // [B, L, D]
      pass.observe?.(`${scope.path}.local_mp`, local);
      const mixed = add(attended, gamma3(), local);
      const output = add(mixed, gamma2(), feedForward.forward(norm2.forward(mixed, pass), pass));
      pass.observe?.(scope.path, output);
      return output;
    },
    cost(map, meter) {
      const tokens = [map[0] * map[1], dim];
      attention.cost(norm1.cost(tokens, meter), meter);
      norm3.cost(tokens, meter);
      interaction.cost(map, meter);
      feedForward.cost(norm2.cost(tokens, meter), meter);
    },
  };
}

/** Attention between channels: softmax(q^ k^T temperature) v with q^, k^ of unit length over the tokens, d x d a head. */
function crossCovarianceAttention(scope: Scope, dim: number, heads: number): Layer<tf.Tensor3D> {
  const weightInitial = truncatedNormal(0.02);
  const temperature = scope.declare<tf.Tensor3D>('temperature', [heads, 1, 1], ONES);
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
      const [q, k, v] = splitHeads(qkv.forward(x, pass), heads); // [B, heads, L, d]
      const scores = tf.matMul(unitLength(q), unitLength(k), true, false); // [B, heads, d, d]
      const weights = tf.softmax(tf.mul(scores, temperature()));
      return projection.forward(mergeHeads(tf.matMul<tf.Tensor4D>(v, weights, false, true)), pass);
    },
    cost(shape, meter) {
      qkv.cost(shape, meter);
      meter.add(scope.path, 'matmul', 2 * shape[0] * dim * (dim / heads));
      return projection.cost(shape, meter);
    },
  });
}

/** x / max(||x||, 1e-12) with the norm over the tokens, axis 2. */
function unitLength(x: tf.Tensor4D): tf.Tensor4D {
  const norm = tf.sqrt(tf.sum(tf.square(x), 2, true));
  return tf.div(x, tf.maximum(norm, 1e-12));
}

/** Depthwise 3x3, GELU, batch norm, depthwise 3x3 on the map. */
function localPatchInteraction(scope: Scope, dim: number): Layer {
  return sequential([
    depthwiseConv2d(scope.child('conv1'), { channels: dim, kernel: 3 }),
    elementwise<tf.Tensor4D>(gelu),
    batchNorm(scope.child('bn'), dim),
    depthwiseConv2d(scope.child('conv2'), { channels: dim, kernel: 3 }),
  ]);
}

/**
 * Class attention (Touvron et al. 2021, CaiT) as XCiT's code has it: the patch tokens get their normalised copy added in the
 * first step and are doubled in the second. Tokens [B, 1 + L, D], the class token first.
 */
export function classAttentionBlock(
  scope: Scope,
  { dim, heads, hidden, layerScale, tokensNorm }: BlockOptions & { tokensNorm: boolean },
): Layer<tf.Tensor3D> {
  const [gamma1, gamma2] = ['gamma1', 'gamma2'].map((name) =>
    scope.declare<tf.Tensor1D>(name, [dim], { kind: 'constant', value: layerScale }),
  );
  const norm = (name: string) =>
    layerNorm<tf.Tensor3D>(scope.child(name), { channels: dim, epsilon: EPSILON });
  const [norm1, attention] = [norm('norm1'), classAttention(scope.child('attn'), dim, heads)];
  const [norm2, feedForward] = [norm('norm2'), mlp<tf.Tensor3D>(scope.child('mlp'), dim, hidden)];
  return named(scope.path, {
    forward(tokens, pass) {
      const normalised = norm1.forward(tokens, pass);
      const [, patches] = splitClass(normalised);
      const joined = tf.concat([attention.forward(normalised, pass), patches], 1);
      const sum = tf.add<tf.Tensor3D>(tokens, tf.mul(joined, gamma1()));
      const [classToken, others] = splitClass(tokensNorm ? norm2.forward(sum, pass) : sum);
      const input = tokensNorm ? classToken : norm2.forward(classToken, pass);
      const updated = tf.add<tf.Tensor3D>(input, tf.mul(feedForward.forward(input, pass), gamma2()));
      return tf.concat([updated, tf.mul(others, 2)], 1);
    },
    cost(shape, meter) {
      attention.cost(norm1.cost(shape, meter), meter);
      norm2.cost(tokensNorm ? shape : [1, dim], meter);
      feedForward.cost([1, dim], meter);
      return shape;
    },
  });
}

/** The class token asks, all tokens answer: [B, 1 + L, D] -> [B, 1, D]. */
function classAttention(scope: Scope, dim: number, heads: number): Layer<tf.Tensor3D> {
  const weightInitial = truncatedNormal(0.02);
  const [q, k, v, projection] = ['q', 'k', 'v', 'proj'].map((name) =>
    linear<tf.Tensor3D>(scope.child(name), { inFeatures: dim, outFeatures: dim, weightInitial }),
  );
  const toHeads = (x: tf.Tensor3D) =>
    tf.transpose<tf.Tensor4D>(tf.reshape(x, [x.shape[0], x.shape[1], heads, dim / heads]), [0, 2, 1, 3]); // [B, heads, L, d]
  return named(scope.path, {
    forward(x, pass) {
      const [classToken] = splitClass(x);
      const [query, key, value] = [q.forward(classToken, pass), k.forward(x, pass), v.forward(x, pass)];
      return projection.forward(mergeHeads(attend(toHeads(query), toHeads(key), toHeads(value))), pass);
    },
    cost(shape, meter) {
      q.cost([1, dim], meter);
      k.cost(shape, meter);
      v.cost(shape, meter);
      meter.add(scope.path, 'matmul', 2 * shape[0] * dim);
      return projection.cost([1, dim], meter);
    },
  });
}

/** [B, 1 + L, D] to the class token [B, 1, D] and the others [B, L, D]. */
function splitClass(tokens: tf.Tensor3D): [tf.Tensor3D, tf.Tensor3D] {
  const [batch, length, dim] = tokens.shape;
  return [
    tf.slice(tokens, [0, 0, 0], [batch, 1, dim]),
    tf.slice(tokens, [0, 1, 0], [batch, length - 1, dim]),
  ];
}
