import { named, truncatedNormal, type Layer, type Scope } from '@revat/stems';
import * as tf from '@tensorflow/tfjs-core';
import { attend, attentionCost, mergeHeads, splitHeads } from './attention.js';
import { linear } from './linear.js';

export interface WindowAttentionOptions {
  readonly channels: number;
  readonly heads: number;
  /** Side of the map in tokens, a multiple of `window`. */
  readonly extent: number;
  readonly window: number;
  /** Tokens by which the windows are shifted down and right; 0 for none. */
  readonly shift: number;
}

/** What is added to the score of two tokens of different regions of the rolled map: their weight becomes zero. */
const SEPARATED = -100;

/**
 * Attention inside shifted windows with a relative position bias (Liu et al. 2021, Swin, sections 3.2 and 3.3).
 * [B, H, W, C] -> the same.
 */
export function windowAttention(scope: Scope, options: WindowAttentionOptions): Layer {
  const { channels, heads, extent, window, shift } = options;
  const area = window * window;
  const weightInitial = truncatedNormal(0.02);
  const tableRows = (2 * window - 1) ** 2;
  const table = scope.declare<tf.Tensor2D>('relative_position_bias_table', [tableRows, heads], weightInitial);
  const sizes = { inFeatures: channels, weightInitial };
  const qkv = linear<tf.Tensor3D>(scope.child('qkv'), { ...sizes, outFeatures: 3 * channels });
  const projection = linear<tf.Tensor3D>(scope.child('proj'), { ...sizes, outFeatures: channels });
  const index = relativeIndex(window);
  let mask: Float32Array | undefined; // made in the first pass: counting needs none

  const bias = () => {
    // A product with one-hot rows picks exactly, and its gradient is a product too; that of a gather is a scatter, which is
    // slow on some backends and adds up in another order at every run on others.
    const choice = tf.oneHot(tf.tensor1d(index, 'int32'), tableRows, 1, 0, 'float32');
    const rows = tf.matMul(choice, table()); // [area * area, heads]
    const perHead = tf.reshape(tf.transpose(rows), [1, heads, area, area]);
    if (shift === 0) return perHead;
    mask ??= shiftMask(extent, window, shift);
    return tf.add(perHead, tf.tensor4d(mask, [mask.length / area ** 2, 1, area, area]));
  };

  return named(scope.path, {
    forward(x, pass) {
      const windows = toWindows(roll(x, -shift), window); // [B * windows, area, C]
      const [q, k, v] = splitHeads(qkv.forward(windows, pass), heads); // [B * windows, heads, area, d]
      const attended = shift > 0 ? attendMasked(q, k, v, bias()) : attend(q, k, v, bias());
      const merged = projection.forward(mergeHeads(attended), pass);
      return roll(fromWindows(merged, x.shape, window), shift);
    },
    cost(shape, meter) {
      const tokens = [shape[0] * shape[1], channels];
      attentionCost(scope.path, qkv.cost(tokens, meter), area, meter);
      projection.cost(tokens, meter);
      return shape;
    },
  });
}

/** The bias [windows, heads, area, area] differs from window to window: repeat it for every image. */
function attendMasked(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, bias: tf.Tensor): tf.Tensor4D {
  const images = q.shape[0] / bias.shape[0];
  return attend(q, k, v, images === 1 ? bias : tf.tile(bias, [images, 1, 1, 1]));
}

/** Rolls a map by `shift` tokens along both axes, as `torch.roll`. */
function roll(x: tf.Tensor4D, shift: number): tf.Tensor4D {
  if (shift === 0) return x;
  return [1, 2].reduce((map, axis) => {
    const extent = map.shape[axis];
    const cut = (extent - shift) % extent; // the token that comes first
    const [head, tail] = tf.split<tf.Tensor4D>(map, [cut, extent - cut], axis);
    return tf.concat([tail, head], axis);
  }, x);
}

/** [B, H, W, C] -> [B * windows, window * window, C]. */
function toWindows(x: tf.Tensor4D, window: number): tf.Tensor3D {
  const [batch, height, width, channels] = x.shape;
  const split = tf.reshape(x, [batch, height / window, window, width / window, window, channels]);
  return tf.reshape(tf.transpose(split, [0, 1, 3, 2, 4, 5]), [-1, window * window, channels]);
}

/** The inverse of `toWindows`. */
function fromWindows(windows: tf.Tensor3D, shape: tf.Tensor4D['shape'], window: number): tf.Tensor4D {
  const [batch, height, width, channels] = shape;
  const split = tf.reshape(windows, [batch, height / window, width / window, window, window, channels]);
  return tf.reshape(tf.transpose(split, [0, 1, 3, 2, 4, 5]), shape);
}

/** Rows of the bias table for all pairs of tokens (i, j) of a window: (yi - yj + w - 1)(2w - 1) + (xi - xj + w - 1). */
function relativeIndex(window: number): Int32Array {
  const area = window * window;
  const index = new Int32Array(area * area);
  for (let i = 0; i < area; i++) {
    for (let j = 0; j < area; j++) {
      const dy = Math.floor(i / window) - Math.floor(j / window) + window - 1;
      const dx = (i % window) - (j % window) + window - 1;
      index[i * area + j] = dy * (2 * window - 1) + dx;
    }
  }
  return index;
}

/** [windows, area, area]: 0 for tokens that were neighbours before the roll, -100 for others. */
function shiftMask(extent: number, window: number, shift: number): Float32Array {
  const band = (position: number) => (position < extent - window ? 0 : position < extent - shift ? 1 : 2);
  const perSide = extent / window;
  const area = window * window;
  const mask = new Float32Array(perSide * perSide * area * area);
  const regions = new Uint8Array(area);
  let next = 0;
  for (let w = 0; w < perSide * perSide; w++) {
    for (let i = 0; i < area; i++) {
      const y = Math.floor(w / perSide) * window + Math.floor(i / window);
      const x = (w % perSide) * window + (i % window);
      regions[i] = 3 * band(y) + band(x);
    }
    for (let i = 0; i < area; i++)
      for (let j = 0; j < area; j++) mask[next++] = regions[i] === regions[j] ? 0 : SEPARATED;
  }
  return mask;
}
