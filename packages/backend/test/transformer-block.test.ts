import { beforeAll, describe, expect, test } from '@jest/globals';
import { gelu, layerNorm } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';

import { freeze, stats, unfreeze } from '../src/index.js';
import { sample, startEngine, valuesOn } from './engines.js';

beforeAll(() => startEngine({ smallGraphShortcut: false, threads: 2 }));

const WIDTH = 192;
const TOKENS = 50;

interface Block {
  readonly gamma: tf.Tensor1D;
  readonly beta: tf.Tensor1D;
  readonly qkv: tf.Tensor2D;
  readonly qkvBias: tf.Tensor1D;
  readonly project: tf.Tensor2D;
  readonly expand: tf.Tensor2D;
  readonly bias: tf.Tensor1D;
  readonly contract: tf.Tensor2D;
}

/** Queries, keys and values of all heads, each [N, heads, T, C / heads]. */
type Split = (x: tf.Tensor2D, block: Block, shape: readonly number[]) => tf.Tensor[];

/** One product for all three, taken apart afterwards. */
const together: Split = (x, { qkv, qkvBias }, [images, heads, tokens, channels]) => {
  const all = tf.reshape(tf.add(tf.matMul(x, qkv), qkvBias), [images, tokens, 3, heads, channels]);
  return tf.unstack(tf.transpose(all, [2, 0, 3, 1, 4]));
};

/** A product for each of them. */
const apart: Split = (x, { qkv, qkvBias }, [images, heads, tokens, channels]) => {
  const biases = tf.split(qkvBias, 3);
  return tf.split(qkv, 3, 1).map((weights, i) => {
    const product = tf.add(tf.matMul(x, weights), biases[i]);
    return tf.transpose(tf.reshape(product, [images, tokens, heads, channels]), [0, 2, 1, 3]);
  });
};

function blockOf(seed: number): Block {
  const matrix = (rows: number, columns: number, i: number) =>
    tf.keep(tf.mul<tf.Tensor2D>(sample([rows, columns], seed + i), 2 / Math.sqrt(rows)));
  const vector = (length: number, i: number) => tf.keep(sample([length], seed + i) as tf.Tensor1D);
  return tf.tidy(() => ({
    gamma: vector(WIDTH, 0),
    beta: vector(WIDTH, 1),
    qkv: matrix(WIDTH, 3 * WIDTH, 2),
    qkvBias: vector(3 * WIDTH, 3),
    project: matrix(WIDTH, WIDTH, 4),
    expand: matrix(WIDTH, 4 * WIDTH, 5),
    bias: vector(4 * WIDTH, 6),
    contract: matrix(4 * WIDTH, WIDTH, 7),
  }));
}

/** x + Attention(LayerNorm(x)), then x + MLP(LayerNorm(x)). */
function apply(x: tf.Tensor3D, block: Block, heads: number, split: Split): tf.Tensor3D {
  const { gamma, beta, project, expand, bias, contract } = block;
  const rowsOf = (y: tf.Tensor) => tf.reshape<tf.Rank.R2>(layerNorm(y, gamma, beta, 1e-6), [-1, WIDTH]);
  const shape = [x.shape[0], heads, TOKENS, WIDTH / heads];
  const [queries, keys, values] = split(rowsOf(x), block, shape);
  const weights = tf.softmax(tf.matMul(tf.mul(queries, 0.1), keys, false, true));
  const joined = tf.reshape<tf.Rank.R2>(tf.transpose(tf.matMul(weights, values), [0, 2, 1, 3]), [-1, WIDTH]);
  const attended = tf.add<tf.Tensor3D>(x, tf.reshape(tf.matMul(joined, project), x.shape));
  const hidden = gelu(tf.add(tf.matMul(rowsOf(attended), expand), bias));
  return tf.add(attended, tf.reshape(tf.matMul(hidden, contract), x.shape));
}

describe.each([
  { name: 'heads of one product', heads: 3, split: together },
  { name: 'heads of three products', heads: 3, split: apart },
  { name: 'heads of half a block', heads: 8, split: together },
  { name: 'a single head', heads: 1, split: together },
])('transformer blocks with $name', ({ heads, split }) => {
  let blocks: Block[];
  let positions: tf.Tensor3D;
  const images = (count: number) => sample([count, TOKENS, WIDTH], 4) as tf.Tensor3D;

  beforeAll(() => {
    blocks = [10, 20, 30].map(blockOf);
    positions = sample([1, TOKENS, WIDTH], 5) as tf.Tensor3D;
  });

  const model = (x: tf.Tensor3D) =>
    blocks.reduce((y, block) => apply(y, block, heads, split), tf.add<tf.Tensor3D>(x, positions));

  function outputAndGradient(x: tf.Tensor3D): [tf.Tensor, tf.Tensor] {
    const loss = (input: tf.Tensor) => {
      const y = model(input as tf.Tensor3D);
      return tf.sum(tf.mul(y, sample([1, ...y.shape.slice(1)], 9)));
    };
    return [model(x), tf.grad(loss)(x)];
  }

  test('have the outputs and input gradients of the cpu backend', async () => {
    const compute = () => outputAndGradient(images(2));
    const [expected, actual] = [await valuesOn('cpu', compute), await valuesOn('onnx', compute)];
    actual.forEach(({ shape, values }, i) => {
      expect(shape).toEqual(expected[i].shape);
      const size = Math.max(...Array.from(expected[i].values, Math.abs));
      const differences = Array.from(values, (value, k) => Math.abs(value - expected[i].values[k]));
      expect(Math.max(...differences)).toBeLessThan(3e-6 * size);
    });
  });

  test('have the same bits with a gradient and without, for an image alone, and with frozen weights', () => {
    const bits = (x: tf.Tensor3D) => tf.tidy(() => outputAndGradient(x).map((y) => y.dataSync()));
    const [x, alone] = tf.tidy(() => [images(3), tf.slice(images(3), [2, 0, 0], [1, -1, -1])]);
    const whole = bits(x);
    expect(tf.tidy(() => model(x).dataSync())).toEqual(whole[0]);
    bits(alone).forEach((part, i) => expect(part).toEqual(whole[i].slice(-part.length)));
    const weights = [positions, ...blocks.flatMap((block) => Object.values({ ...block }) as tf.Tensor[])];
    const { compiles } = stats();
    freeze(weights);
    expect(bits(x)).toEqual(whole);
    expect(stats().compiles).toBeGreaterThan(compiles);
    unfreeze(weights);
    tf.dispose([x, alone, ...weights]);
  });
});
