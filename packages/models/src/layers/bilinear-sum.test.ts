import { beforeAll, describe, expect, test } from '@jest/globals';
import { useBackend } from '@revat/backend';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { bilinearSum } from './bilinear-sum.js';

/** Inputs of [B, H, W, C] with G groups and K places each, some of them outside of the map. */
function inputs(shape: [number, number, number, number], groups: number, points: number) {
  const [batch, height, width] = shape;
  const places = [batch, height, width, groups, points];
  return {
    value: tf.randomNormal<tf.Rank.R4>(shape, 0, 1, 'float32', 1),
    x: tf.randomUniform(places, -1.5, width + 0.5, 'float32', 2),
    y: tf.randomUniform(places, -1.5, height + 0.5, 'float32', 3),
    weights: tf.randomNormal(places, 0, 1, 'float32', 4),
  };
}

/** The definition, one sample after the other in double precision. */
function reference({ value, x, y, weights }: ReturnType<typeof inputs>): Float64Array {
  const [, height, width, channels] = value.shape;
  const [groups, points] = weights.shape.slice(3) as [number, number];
  const [v, px, py, w] = [value, x, y, weights].map((tensor) => tensor.dataSync());
  const perGroup = channels / groups;
  const result = new Float64Array(v.length);
  for (let i = 0; i < w.length; i++) {
    const group = Math.floor(i / points) % groups;
    const pixel = Math.floor(i / points / groups);
    const image = Math.floor(pixel / (height * width));
    for (const row of [Math.floor(py[i]), Math.floor(py[i]) + 1]) {
      for (const column of [Math.floor(px[i]), Math.floor(px[i]) + 1]) {
        if (row < 0 || row >= height || column < 0 || column >= width) continue;
        const share = (1 - Math.abs(py[i] - row)) * (1 - Math.abs(px[i] - column)) * w[i];
        const from = ((image * height + row) * width + column) * channels + group * perGroup;
        const to = pixel * channels + group * perGroup;
        for (let c = 0; c < perGroup; c++) result[to + c] += share * v[from + c];
      }
    }
  }
  return result;
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])));
}

describe('bilinearSum', () => {
  beforeAll(() => tf.setBackend('cpu'));

  test('is the sum of weighted bilinear samples, zero outside of the map', () => {
    const given = inputs([2, 4, 5, 6], 3, 9);
    const sum = tf.tidy(() => bilinearSum(given.value, given.x, given.y, given.weights).dataSync());
    expect(largestDifference(sum, reference(given))).toBeLessThan(1e-5);
    tf.dispose(Object.values(given));
  });

  test('its gradients are the finite differences', () => {
    const given = inputs([1, 3, 3, 2], 2, 2);
    const args = [given.value, given.x, given.y, given.weights];
    const loss = (...inner: tf.Tensor[]) =>
      tf.sum<tf.Scalar>(tf.square(bilinearSum(inner[0] as tf.Tensor4D, inner[1], inner[2], inner[3])));
    const gradients = tf
      .grads(loss)(args)
      .map((gradient) => gradient.dataSync());
    const doubled = (values: Float64Array) => values.reduce((sum, value) => sum + value * value, 0);
    args.forEach((tensor, which) => {
      const step = 1e-3;
      const slopes = Array.from(tensor.dataSync(), (_, i) => {
        const losses = [step, -step].map((delta) => {
          const moved = tensor.dataSync().slice();
          moved[i] += delta;
          const changed = [...args];
          changed[which] = tf.tensor(moved, tensor.shape);
          const [value, x, y, weights] = changed;
          return doubled(reference({ value: value as tf.Tensor4D, x, y, weights }));
        });
        return (losses[0] - losses[1]) / (2 * step);
      });
      const scale = Math.max(...slopes.map(Math.abs));
      expect(largestDifference(gradients[which], slopes) / scale).toBeLessThan(2e-3);
    });
    tf.disposeVariables();
  });

  test('on the onnx engine no sample is lost in a large gradient', async () => {
    await useBackend('onnx');
    const given = inputs([1, 48, 48, 32], 2, 9);
    const total = (weights: tf.Tensor) =>
      tf.sum<tf.Scalar>(bilinearSum(given.value, given.x, given.y, weights));
    const byValue = tf.grad((value: tf.Tensor) =>
      tf.sum(bilinearSum(value as tf.Tensor4D, given.x, given.y, given.weights)),
    )(given.value);
    // The sum is linear in the values: <gradient, value> is the sum itself, unless updates got lost.
    const [inner, sum] = [tf.sum(tf.mul(byValue, given.value)), total(given.weights)].map(
      (tensor) => tensor.dataSync()[0],
    );
    expect(Math.abs(inner - sum)).toBeLessThan(1e-4 * Math.abs(sum) + 1e-2);
    tf.dispose([byValue, ...Object.values(given)]);
    await tf.setBackend('cpu');
  });
});
