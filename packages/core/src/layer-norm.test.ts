import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';

import './stock-gradients.js';
import { layerNorm } from './layer-norm.js';

test('rows have mean beta and standard deviation gamma, and the gradient is orthogonal to shifts and scales', async () => {
  await tf.setBackend('cpu');
  const before = tf.memory().numTensors;
  tf.tidy(() => {
    const x = tf.randomNormal([5, 64], 3, 2, 'float32', 1);
    const gamma = tf.fill<tf.Rank.R1>([64], 2);
    const beta = tf.fill<tf.Rank.R1>([64], -1);
    const { mean, variance } = tf.moments(layerNorm(x, gamma, beta, 1e-6), -1);
    mean.dataSync().forEach((value) => expect(value).toBeCloseTo(-1, 5));
    variance.dataSync().forEach((value) => expect(value).toBeCloseTo(4, 4));

    const weights = tf.randomNormal([5, 64], 0, 1, 'float32', 2);
    const gradient = tf.grad((t: tf.Tensor) => tf.sum(tf.mul(layerNorm(t, gamma, beta, 0), weights)))(x);
    tf.sum(gradient, -1)
      .dataSync()
      .forEach((value) => expect(Math.abs(value)).toBeLessThan(1e-4));
    tf.sum(tf.mul(gradient, x), -1)
      .dataSync()
      .forEach((value) => expect(Math.abs(value)).toBeLessThan(1e-3));
  });
  expect(tf.memory().numTensors).toBe(before);
});
