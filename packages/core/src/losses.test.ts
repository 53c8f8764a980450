import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';

import './stock-gradients.js';
import { attackLoss, LOSS_NAMES, MIN_CLASSES, type LossName } from './losses.js';
import { classesByLogit, lossValue, predictedClass } from './loss-values.js';
import { randomStream } from './random.js';

const CLASSES = 6;
const BATCH = 8;

function example(seed: number, classes = CLASSES) {
  const stream = randomStream(seed, 'losses');
  const logits = stream.normals(BATCH * classes).map((value) => 4 * value);
  const labels = Array.from({ length: BATCH }, () => stream.integer(classes));
  const targets = labels.map((label) => (label + 1 + stream.integer(classes - 1)) % classes);
  return { logits, labels, targets };
}

async function evaluate(name: LossName, { logits, labels, targets }: ReturnType<typeof example>) {
  const classes = logits.length / BATCH;
  const z = tf.tensor2d(logits, [BATCH, classes]);
  const [y, t] = [tf.tensor1d(labels, 'int32'), tf.tensor1d(targets, 'int32')];
  const before = tf.memory().numTensors;
  const value = attackLoss(name, z, y, t);
  expect(tf.memory().numTensors).toBe(before + 1);
  const gradient = tf.grad((points: tf.Tensor) => tf.sum(attackLoss(name, points as tf.Tensor2D, y, t)))(z);
  const result = { value: await value.data(), gradient: await gradient.data() };
  tf.dispose([z, y, t, value, gradient]);
  return result;
}

describe.each(LOSS_NAMES)('%s', (name) => {
  test('the value on the host equals that of the tensors', async () => {
    const input = example(1);
    const { value } = await evaluate(name, input);
    value.forEach((loss, i) => {
      const row = input.logits.subarray(i * CLASSES, (i + 1) * CLASSES);
      expect(lossValue(name, row, input.labels[i], input.targets[i])).toBeCloseTo(loss, 4);
    });
  });

  test('the gradient is that of finite differences', async () => {
    const input = example(2);
    const { gradient } = await evaluate(name, input);
    const step = 1e-3;
    for (let i = 0; i < BATCH; i++) {
      const at = (k: number, offset: number) => {
        const row = Float64Array.from(input.logits.subarray(i * CLASSES, (i + 1) * CLASSES));
        row[k] += offset;
        return lossValue(name, row, input.labels[i], input.targets[i]);
      };
      for (let k = 0; k < CLASSES; k++) {
        const slope = (at(k, step) - at(k, -step)) / (2 * step);
        expect(Math.abs(gradient[i * CLASSES + k] - slope)).toBeLessThan(2e-3 + 1e-3 * Math.abs(slope));
      }
    }
  });

  test('refuses fewer classes than it is defined for', () => {
    const classes = MIN_CLASSES[name] - 1;
    const z = tf.zeros<tf.Rank.R2>([1, Math.max(classes, 1)]);
    const y = tf.tensor1d([0], 'int32');
    expect(() => attackLoss(name, z, y, y)).toThrow(/needs at least/);
    tf.dispose([z, y]);
  });
});

test('soft labels weigh the cross-entropies of the classes', async () => {
  const logits = [1, 2, 3];
  const distribution = [0.2, 0.3, 0.5];
  const value = tf.tidy(() => attackLoss('ce', tf.tensor2d([logits]), tf.tensor2d([distribution])));
  const expected = distribution.reduce((sum, weight, k) => sum + weight * lossValue('ce', logits, k), 0);
  expect((await value.data())[0]).toBeCloseTo(expected, 5);
  expect(lossValue('ce', logits, 0, -1, distribution)).toBeCloseTo(expected, 5);
  value.dispose();
});

test('DLR of a label ranked third is the constant 1', async () => {
  const z = tf.tensor2d([[3, 2, 1, 0]]);
  const y = tf.tensor1d([2], 'int32');
  const gradient = tf.grad((points: tf.Tensor) => tf.sum(attackLoss('dlr', points as tf.Tensor2D, y)))(z);
  expect(lossValue('dlr', [3, 2, 1, 0], 2)).toBe(1);
  for (const slope of await gradient.data()) expect(Math.abs(slope)).toBeLessThan(1e-6);
  tf.dispose([z, y, gradient]);
});

test('predicted class: first of the largest; none where a logit is NaN', () => {
  expect(predictedClass([1, 3, 3, 2])).toBe(1);
  expect(predictedClass([1, NaN, 3])).toBe(-1);
  expect(classesByLogit([1, 3, 3, 2])).toEqual([1, 2, 3, 0]);
});
