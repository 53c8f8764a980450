import { beforeAll, expect, test } from '@jest/globals';
import { gelu } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';

import { sample, startEngine, valuesOn } from './engines.js';

const SHAPE = [2, 6, 6, 16];

beforeAll(() => startEngine({ smallGraphShortcut: false }));

/** A random graph of convolutions, element-wise operations and changes of layout; reads every value at once if `stepwise`. */
function randomGraph(seed: number, stepwise: boolean): tf.Tensor[] {
  let state = seed * 7919 + 1;
  const below = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const filter = sample([3, 3, 16, 16], seed) as tf.Tensor4D;
  const values: tf.Tensor4D[] = [
    sample(SHAPE, seed + 1) as tf.Tensor4D,
    tf.transpose(sample([2, 16, 6, 6], seed + 2) as tf.Tensor4D, [0, 2, 3, 1]),
  ];
  const any = () => values[Math.max(0, values.length - 1 - below(4))];
  const convolved = () => tf.mul<tf.Tensor4D>(tf.conv2d(any(), filter, 1, 'same'), 0.1);
  const operations: (() => tf.Tensor4D)[] = [
    convolved,
    convolved,
    () => gelu(any()),
    () => gelu(any()),
    () => tf.relu(any()),
    () => tf.add(any(), any()),
    () => tf.mul(any(), any()),
    () => tf.sub(1, any()),
    () => tf.where(tf.greater(any(), any()), any(), any()),
    () => tf.reshape<tf.Rank.R4>(tf.relu(tf.transpose(any(), [0, 3, 1, 2])), [2, 6, 6, 16]),
    () => tf.add(any(), tf.slice(any(), [0, 2, 3, 0], [-1, 1, 1, -1])),
  ];
  for (let i = 0; i < 12; i++) {
    const value = operations[below(operations.length)]();
    if (stepwise) value.dataSync();
    values.push(value);
  }
  const planes = tf.transpose(any(), [0, 3, 1, 2]);
  return [any(), planes, tf.add(1, tf.slice(any(), [1, 0, 0, 0])), values[values.length - 1]].slice(below(3));
}

test('graphs give the bits of their operations one by one', async () => {
  for (let seed = 0; seed < 60; seed++) {
    const whole = await valuesOn('onnx', () => randomGraph(seed, false));
    const steps = await valuesOn('onnx', () => randomGraph(seed, true));
    whole.forEach(({ values }, i) => expect([seed, i, values]).toEqual([seed, i, steps[i].values]));
  }
});
