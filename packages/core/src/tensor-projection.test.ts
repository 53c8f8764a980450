import '@tensorflow/tfjs-backend-cpu';
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';

import { createBall } from './ball.js';
import { NORM_NAMES } from './norm-name.js';
import { randomStream } from './random.js';
import { projectBatch } from './tensor-projection.js';

const radius = { Linf: 0.1, L2: 0.8, L1: 2 };
const SHAPE: [number, number, number, number] = [5, 4, 3, 2];
const SIZE = 24;

test.each(NORM_NAMES)('%s: a batch is projected like its images one by one', async (norm) => {
  const stream = randomStream(3, 'batch');
  const center = stream.uniforms(5 * SIZE).map((value) => (value < 0.3 ? 0 : value));
  // The images get perturbations from far inside the ball to far outside.
  const points = center.map((value, i) => value + 0.02 * 4 ** Math.floor(i / SIZE) * stream.normal());
  const tensors = [tf.tensor4d(center, SHAPE), tf.tensor4d(points, SHAPE)];
  const projected = projectBatch(norm, tensors[0], tensors[1], radius[norm]);
  expect(tf.memory().numTensors).toBe(3);
  const got = await projected.data();
  for (let b = 0; b < SHAPE[0]; b++) {
    const row = points.slice(b * SIZE, (b + 1) * SIZE);
    createBall(norm, center.slice(b * SIZE, (b + 1) * SIZE), radius[norm]).project(row);
    row.forEach((value, i) => expect(Math.abs(got[b * SIZE + i] - value)).toBeLessThan(5e-6));
  }
  tf.dispose([...tensors, projected]);
});
