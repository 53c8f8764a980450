import '@tensorflow/tfjs-backend-cpu';

import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';

import type { TrainableModel } from './trainable-model.js';
import { WeightAverage } from './weight-average.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

function oneWeightModel(weight: tf.Variable): TrainableModel {
  return {
    classify: () => tf.zeros([1, 1]),
    parameters: () => new Map([['w', weight]]),
    buffers: () => new Map(),
    mode: 'eval',
  };
}

test('follows the recursion with warmed-up decay, swaps and leaks nothing', () => {
  const before = tf.memory().numTensors;
  const weight = tf.tidy(() => tf.variable(tf.scalar(0)));
  const average = new WeightAverage(oneWeightModel(weight), 0.5);
  let expected = 0;
  for (let t = 1; t <= 8; t++) {
    tf.tidy(() => weight.assign(tf.scalar(t)));
    average.update();
    const decay = Math.min(0.5, (1 + t) / (10 + t));
    expected = decay * expected + (1 - decay) * t;
  }
  average.swap();
  expect(weight.dataSync()[0]).toBeCloseTo(expected, 5);
  average.swap();
  expect(weight.dataSync()[0]).toBe(8);
  average.dispose();
  weight.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
