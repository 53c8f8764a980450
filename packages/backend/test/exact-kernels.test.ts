import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';

import { lowerings } from '../src/lowerings/index.js';
import { sample, startEngine, valuesOn } from './engines.js';

/** A sample of what claims that the CPU kernel gives the same bits; sizes that leave a rest after any vector width. */
const CALLS: Record<string, () => tf.Tensor> = {
  Add: () => tf.add(x(1), x(2)),
  Sub: () => tf.sub(x(1), x(2)),
  Multiply: () => tf.mul(x(1), x(2)),
  RealDiv: () => tf.div(x(1), x(2)),
  Maximum: () => tf.maximum(x(1), x(2)),
  AddN: () => tf.addN([x(1), x(2), x(3)]),
  Square: () => tf.square(x(1)),
  Sqrt: () => tf.sqrt(tf.abs(x(1))),
  Reciprocal: () => tf.reciprocal(x(1)),
  Round: () => tf.round(tf.mul(x(1), 50)),
  ClipByValue: () => tf.clipByValue(x(1), -0.3, 0.7),
  Max: () => tf.max(tf.reshape(x(1), [7, -1]), 1),
  MaxPool: () => tf.maxPool(tf.reshape<tf.Rank.R4>(x(1), [1, 7, 29, 5]), 3, 2, 'same'),
};

const x = (seed: number): tf.Tensor => sample([1015], seed);

beforeAll(() => startEngine({ smallGraphShortcut: false }));

test.each(Object.keys(CALLS))('%s gives the bits of the CPU kernel', async (kernel) => {
  expect(lowerings.find((lowering) => lowering.kernel === kernel)?.exact).toBe(true);
  const [expected] = await valuesOn('cpu', CALLS[kernel]);
  const [actual] = await valuesOn('onnx', CALLS[kernel]);
  expect(actual.values).toEqual(expected.values);
});
