import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';

import './stock-gradients.js';
import { gelu } from './gelu.js';

// torch.nn.functional.gelu and its derivative (PyTorch 2.13), exact form.
const POINTS = [-3, -1, -0.5, 0, 0.5, 1, 3];
const VALUES = [-0.004049694, -0.158655254, -0.154268769, 0, 0.345731231, 0.841344746, 2.995950306];
const SLOPES = [-0.011945633, -0.083315471, 0.132504203, 0.5, 0.867495797, 1.083315471, 1.011945633];

test('values and slopes are those of the exact form', async () => {
  await tf.setBackend('cpu');
  const before = tf.memory().numTensors;
  const x = tf.tensor1d(POINTS);
  const y = gelu(x);
  const slope = tf.grad((t: tf.Tensor) => tf.sum(gelu(t)))(x);
  y.dataSync().forEach((value, i) => expect(Math.abs(value - VALUES[i])).toBeLessThan(1e-6));
  slope.dataSync().forEach((value, i) => expect(Math.abs(value - SLOPES[i])).toBeLessThan(1e-6));
  tf.dispose([x, y, slope]);
  expect(tf.memory().numTensors).toBe(before);
});
