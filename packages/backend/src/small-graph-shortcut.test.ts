import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';

import { useBackend } from './use-backend.js';

beforeAll(async () => {
  await useBackend('onnx');
});

test('integers that a small graph casts to float32 are floats to a larger graph', () => {
  const labels = tf.tidy(() => tf.cast(tf.oneHot([1, 0, 2], 4), 'float32'));
  expect(labels.dataSync()).toBeInstanceOf(Float32Array);
  const weights = tf.fill([4, 3000], 0.5);
  const product = tf.matMul(labels, weights);
  expect(tf.tidy(() => tf.sum(product).dataSync()[0])).toBe(4500);
  tf.dispose([labels, weights, product]);
});
