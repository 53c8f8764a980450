import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { gelu, layerNorm } from '@revat/core';

import { freeze, stats, unfreeze } from '../src/index.js';
import { sample, startEngine } from './engines.js';

const SIZE = 16;
const WIDTH = 32;

/** The classifier's weights. */
const kept: tf.Tensor[] = [];

/** Convolutions of all kinds, attention, normalisation, pooling and a head: what an image classifier consists of. */
function classifier(): (images: tf.Tensor4D) => tf.Tensor2D {
  let seed = 0;
  const keep = <T extends tf.Tensor>(tensor: T): T => {
    kept.push(tensor);
    return tf.keep(tensor);
  };
  const weights = (...shape: number[]) =>
    keep(tf.mul(sample(shape, ++seed), 1 / Math.sqrt(shape[shape.length - 2])));
  const narrow = weights(3, 3, 3, 8) as tf.Tensor4D;
  const stem = weights(3, 3, 8, WIDTH) as tf.Tensor4D;
  const dense = weights(3, 3, WIDTH, WIDTH) as tf.Tensor4D;
  const bias = keep(sample([WIDTH], 5));
  const depthwise = weights(7, 7, WIDTH, 1) as tf.Tensor4D;
  // Blocks whose second product, with fewer columns than rows of one image, would be shared out among two threads in part.
  const [deep, deepExpand, deepContract] = [weights(3, 3, 112, 1), weights(112, 448), weights(448, 112)] as [
    tf.Tensor4D,
    tf.Tensor2D,
    tf.Tensor2D,
  ];
  const [deepGamma, deepBeta, deepBias] = [sample([112], 31), sample([112], 32), sample([448], 33)].map(
    keep,
  ) as tf.Tensor1D[];
  const down = weights(2, 2, WIDTH, 112) as tf.Tensor4D;
  const up = weights(112, WIDTH) as tf.Tensor2D;
  const block = (x: tf.Tensor4D) => {
    const normal = layerNorm(tf.depthwiseConv2d(x, deep, 1, 'same'), deepGamma, deepBeta, 1e-6);
    const hidden = gelu(tf.add(tf.matMul(tf.reshape<tf.Rank.R2>(normal, [-1, 112]), deepExpand), deepBias));
    return tf.add<tf.Tensor4D>(x, tf.reshape(tf.matMul(hidden, deepContract), x.shape));
  };
  const [gamma, beta] = [keep(tf.ones([WIDTH])), keep(tf.zeros([WIDTH]))] as tf.Tensor1D[];
  const [expand, contract] = [weights(WIDTH, 4 * WIDTH), weights(4 * WIDTH, WIDTH)] as tf.Tensor2D[];
  const [queries, keys, head] = [
    weights(WIDTH, WIDTH),
    weights(WIDTH, WIDTH),
    weights(112, 10),
  ] as tf.Tensor2D[];
  // ONNX Runtime shares the columns of such products out among the threads: 84 and 72, or 56, for each of two.
  const [many, fewer, few] = [weights(WIDTH, 168), weights(168, 144), weights(144, 112)] as tf.Tensor2D[];
  return (images) => {
    let h = gelu(tf.conv2d(images, narrow, 1, 'same'));
    h = gelu(tf.conv2d(h, stem, 2, 'same'));
    h = gelu(tf.conv2d(h, dense, 1, 'same'));
    h = gelu(tf.add(tf.conv2d(h, dense, 2, 'same'), bias));
    const tokens = layerNorm(tf.depthwiseConv2d(h, depthwise, 1, 'same'), gamma, beta, 1e-6);
    const rows = tf.reshape<tf.Rank.R2>(tokens, [-1, WIDTH]);
    h = tf.add(h, tf.reshape(tf.matMul(gelu(tf.matMul(rows, expand)), contract), h.shape));
    const deeper = block(block(tf.conv2d(layerNorm(h, gamma, beta, 1e-6), down, 2, 'valid')));
    const wide = tf.matMul(tf.reshape<tf.Rank.R2>(deeper, [-1, 112]), up);
    h = tf.add(tf.maxPool(h, 3, 2, 'same'), tf.reshape(wide, [-1, 2, 2, WIDTH]));
    const sequence = tf.reshape(h, [h.shape[0], -1, WIDTH]);
    const project = (matrix: tf.Tensor2D) =>
      tf.reshape(tf.matMul(tf.reshape<tf.Rank.R2>(sequence, [-1, WIDTH]), matrix), sequence.shape);
    const attention = tf.softmax(tf.matMul(project(queries), project(keys), false, true));
    const pooled = tf.mean<tf.Tensor2D>(tf.matMul(attention, sequence), 1);
    return tf.matMul(tf.matMul(tf.matMul(gelu(tf.matMul(pooled, many)), fewer), few), head);
  };
}

let model: (images: tf.Tensor4D) => tf.Tensor2D;

beforeAll(async () => {
  await startEngine({ threads: 2 });
  model = classifier();
});

/** Logits and input gradient of the first image of a batch. */
function firstOfBatch(batch: number): [logits: ArrayLike<number>, gradient: ArrayLike<number>] {
  const all = sample([64, SIZE, SIZE, 3], 77) as tf.Tensor4D;
  const images = tf.slice(all, 0, batch);
  const loss = (x: tf.Tensor) => tf.neg(tf.sum(tf.mul(tf.logSoftmax(model(x as tf.Tensor4D)), 0.1)));
  const logits = tf.tidy(() => model(images));
  const gradient = tf.grad(loss)(images);
  const result = [logits.dataSync().slice(0, 10), gradient.dataSync().slice(0, SIZE * SIZE * 3)];
  tf.dispose([all, images, logits, gradient]);
  return result as unknown as [ArrayLike<number>, ArrayLike<number>];
}

test('an image has the same logits and gradient, bit for bit, in a batch of any size', () => {
  const [logits, gradient] = firstOfBatch(64);
  for (const batch of [1, 2, 3, 7, 33]) {
    const alone = firstOfBatch(batch);
    expect(alone[0]).toEqual(logits);
    expect(alone[1]).toEqual(gradient);
  }
});

test('running again changes no bit, nor does freezing the weights', () => {
  const first = firstOfBatch(5);
  expect(firstOfBatch(5)).toEqual(first);
  const { compiles } = stats();
  freeze(kept);
  expect(firstOfBatch(5)).toEqual(first);
  expect(stats().compiles).toBeGreaterThan(compiles);
  unfreeze(kept);
});
