import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';

import { useBackend } from '../src/use-backend.js';

beforeAll(async () => {
  await useBackend('onnx', { threads: 2 });
});

/** Too large for a matrix of zeros and ones, and with hundreds of rows a segment, so that threads would collide. */
const ROWS = 65_536;
const WIDTH = 16;
const SEGMENTS = 300;

test('unsortedSegmentSum of many rows loses none, and drops ids out of range', () => {
  const values = Float32Array.from({ length: ROWS * WIDTH }, (_, i) => (i % 7) - 3);
  const ids = Int32Array.from({ length: ROWS }, (_, i) => ((i * 31) % (SEGMENTS + 2)) - 1);
  const expected = new Float32Array(SEGMENTS * WIDTH);
  ids.forEach((id, row) => {
    for (let j = 0; id >= 0 && id < SEGMENTS && j < WIDTH; j++)
      expected[id * WIDTH + j] += values[row * WIDTH + j];
  });
  for (let repetition = 0; repetition < 5; repetition++) {
    const sums = tf.tidy(() =>
      tf
        .unsortedSegmentSum(tf.tensor2d(values, [ROWS, WIDTH]), tf.tensor1d(ids, 'int32'), SEGMENTS)
        .dataSync(),
    );
    expect(
      Buffer.compare(
        Buffer.from(sums.buffer, sums.byteOffset, sums.byteLength),
        Buffer.from(expected.buffer),
      ),
    ).toBe(0);
  }
});
