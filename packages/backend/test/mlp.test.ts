import { beforeAll, describe, expect, test } from '@jest/globals';
import { gelu, layerNorm } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';

import { freeze, stats, unfreeze } from '../src/index.js';
import { sample, startEngine, valuesOn } from './engines.js';

beforeAll(() => startEngine({ smallGraphShortcut: false, threads: 2 }));

interface Mlp {
  readonly gamma: tf.Tensor1D;
  readonly beta: tf.Tensor1D;
  readonly scale: tf.Tensor1D;
  readonly expand: tf.Tensor2D;
  readonly bias: tf.Tensor1D;
  readonly contract: tf.Tensor2D;
}

function mlpOf(narrow: number, wide: number): Mlp {
  return tf.tidy(() => ({
    gamma: tf.keep(sample([narrow], 11) as tf.Tensor1D),
    beta: tf.keep(sample([narrow], 12) as tf.Tensor1D),
    scale: tf.keep(sample([narrow], 13) as tf.Tensor1D),
    expand: tf.keep(tf.mul<tf.Tensor2D>(sample([narrow, wide], 1), 2 / Math.sqrt(narrow))),
    bias: tf.keep(sample([wide], 2) as tf.Tensor1D),
    contract: tf.keep(tf.mul<tf.Tensor2D>(sample([wide, narrow], 3), 2 / Math.sqrt(wide))),
  }));
}

/** x + scale MLP(LayerNorm(x)): a block of ConvNeXt without its convolution, or of a ViT without its attention. */
function apply(x: tf.Tensor2D, { gamma, beta, scale, expand, bias, contract }: Mlp): tf.Tensor2D {
  const hidden = gelu(tf.add(tf.matMul(layerNorm(x, gamma, beta, 1e-6), expand), bias));
  return tf.add(x, tf.mul(tf.add(tf.matMul(hidden, contract), beta), scale));
}

/** Output and input gradient. */
function outputAndGradient(x: tf.Tensor2D, mlp: Mlp): [tf.Tensor, tf.Tensor] {
  const weight = sample(x.shape, 9);
  const loss = (input: tf.Tensor) => tf.sum(tf.mul(apply(input as tf.Tensor2D, mlp), weight));
  return [apply(x, mlp), tf.grad(loss)(x)];
}

describe('an MLP block', () => {
  const mlp = mlpOf(24, 96);

  test.each([1, 2, 7, 200])('has the output and gradients of the cpu backend for %s rows', async (rows) => {
    const compute = () => {
      const x = sample([rows, 24], 4) as tf.Tensor2D;
      const { expand, bias, contract, gamma, scale } = mlp;
      const loss = (...[w, b, v, g, s]: tf.Tensor[]) => {
        const weights = { ...mlp, expand: w, bias: b, contract: v, gamma: g, scale: s } as Mlp;
        return tf.mean<tf.Scalar>(tf.square(apply(x, weights)));
      };
      return [...outputAndGradient(x, mlp), ...tf.grads(loss)([expand, bias, contract, gamma, scale])];
    };
    const [expected, actual] = [await valuesOn('cpu', compute), await valuesOn('onnx', compute)];
    actual.forEach(({ shape, values }, i) => {
      expect(shape).toEqual(expected[i].shape);
      const size = Math.max(...Array.from(expected[i].values, Math.abs));
      Array.from(values).forEach((value, k) =>
        expect(Math.abs(value - expected[i].values[k])).toBeLessThan(2e-6 * size),
      );
    });
  });

  test('has the same bits with a gradient and without, and for a row alone', () => {
    const x = sample([5, 24], 6) as tf.Tensor2D;
    const bits = (rows: tf.Tensor2D) => tf.tidy(() => apply(rows, mlp).dataSync());
    const [output] = tf.tidy(() => outputAndGradient(x, mlp).map((tensor) => tensor.dataSync()));
    expect(output).toEqual(bits(x));
    expect(bits(tf.slice(x, [2, 0], [1, 24]))).toEqual(output.slice(48, 72));
    x.dispose();
  });
});

test.each([1, 49, 300])('freezing its weights changes no bit of a block on %s rows', (rows) => {
  const mlp = mlpOf(40, 160);
  const weights: tf.Tensor[] = Object.values({ ...mlp });
  const x = sample([rows, 40], 5) as tf.Tensor2D;
  const bits = () => tf.tidy(() => outputAndGradient(x, mlp).map((tensor) => tensor.dataSync()));
  const first = bits();
  expect(bits()).toEqual(first);
  const { compiles } = stats();
  freeze(weights);
  expect(bits()).toEqual(first);
  expect(stats().compiles).toBeGreaterThan(compiles);
  unfreeze(weights);
  tf.dispose([x, ...weights]);
});

test('a large MLP, done in chunks of its rows, has the bits of a small one', () => {
  const rows = 9000;
  const mlp = mlpOf(32, 384);
  const x = sample([rows, 32], 8) as tf.Tensor2D;
  const gradientOf = tf.grad((input) => tf.sum(tf.square(apply(input as tf.Tensor2D, mlp))));
  const bits = (start: number, count: number) =>
    tf.tidy(() => {
      const part = tf.slice(x, [start, 0], [count, 32]);
      part.dataSync();
      return [apply(part, mlp).dataSync(), gradientOf(part).dataSync()];
    });
  const whole = bits(0, rows);
  for (const start of [0, 3000, 6000]) {
    const parts = bits(start, 3000);
    const differences = parts.map(
      (part, i) => part.filter((value, k) => value !== whole[i][32 * start + k]).length,
    );
    expect(differences).toEqual([0, 0]);
  }
  tf.dispose([x, ...Object.values({ ...mlp })]);
});
