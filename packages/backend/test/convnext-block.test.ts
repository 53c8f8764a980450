import { beforeAll, describe, expect, test } from '@jest/globals';
import { gelu, layerNorm } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';

import { freeze, stats, unfreeze } from '../src/index.js';
import { sample, startEngine, valuesOn } from './engines.js';

beforeAll(() => startEngine({ smallGraphShortcut: false, threads: 2 }));

interface Block {
  readonly kernel: tf.Tensor4D;
  readonly gamma: tf.Tensor1D;
  readonly beta: tf.Tensor1D;
  readonly expand: tf.Tensor2D;
  readonly bias: tf.Tensor1D;
  readonly contract: tf.Tensor2D;
  readonly scale: tf.Tensor1D;
}

function blockOf(channels: number, seed: number): Block {
  const hidden = 4 * channels;
  return tf.tidy(() => ({
    kernel: tf.keep(tf.mul<tf.Tensor4D>(sample([7, 7, channels, 1], seed), 0.2)),
    gamma: tf.keep(sample([channels], seed + 1) as tf.Tensor1D),
    beta: tf.keep(sample([channels], seed + 2) as tf.Tensor1D),
    expand: tf.keep(tf.mul<tf.Tensor2D>(sample([channels, hidden], seed + 3), 2 / Math.sqrt(channels))),
    bias: tf.keep(sample([hidden], seed + 4) as tf.Tensor1D),
    contract: tf.keep(tf.mul<tf.Tensor2D>(sample([hidden, channels], seed + 5), 2 / Math.sqrt(hidden))),
    scale: tf.keep(sample([channels], seed + 6) as tf.Tensor1D),
  }));
}

/** x + scale MLP(LayerNorm(depthwise(x))). */
function apply(x: tf.Tensor4D, { kernel, gamma, beta, expand, bias, contract, scale }: Block): tf.Tensor4D {
  const normal = layerNorm(tf.depthwiseConv2d(x, kernel, 1, 'same'), gamma, beta, 1e-6);
  const rows = tf.reshape<tf.Rank.R2>(normal, [-1, gamma.size]);
  const hidden = gelu(tf.add(tf.matMul(rows, expand), bias));
  return tf.add(x, tf.mul(tf.reshape(tf.matMul(hidden, contract), x.shape), scale));
}

/** Two blocks, a downsampling layer and another block. */
class Stages {
  private readonly blocks: readonly Block[];
  private readonly norm: { readonly gamma: tf.Tensor1D; readonly beta: tf.Tensor1D };
  private readonly down: tf.Tensor4D;
  private readonly bias: tf.Tensor1D;

  constructor(channels: number) {
    this.blocks = [blockOf(channels, 10), blockOf(channels, 20), blockOf(2 * channels, 30)];
    const down = tf.mul<tf.Tensor4D>(sample([2, 2, channels, 2 * channels], 40), 1 / Math.sqrt(channels));
    this.down = tf.keep(down);
    this.bias = tf.keep(sample([2 * channels], 41) as tf.Tensor1D);
    const [gamma, beta] = [sample([channels], 42), sample([channels], 43)] as tf.Tensor1D[];
    this.norm = { gamma: tf.keep(gamma), beta: tf.keep(beta) };
  }

  get weights(): tf.Tensor[] {
    const own = [this.down, this.bias, this.norm.gamma, this.norm.beta];
    return [...this.blocks.flatMap((block) => Object.values({ ...block }) as tf.Tensor[]), ...own];
  }

  apply(x: tf.Tensor4D): tf.Tensor4D {
    const [first, second, third] = this.blocks;
    const normal = layerNorm(apply(apply(x, first), second), this.norm.gamma, this.norm.beta, 1e-6);
    return apply(tf.add(tf.conv2d(normal, this.down, 2, 'valid'), this.bias), third);
  }

  outputAndGradient(x: tf.Tensor4D): [tf.Tensor, tf.Tensor] {
    const loss = (input: tf.Tensor) => {
      const y = this.apply(input as tf.Tensor4D);
      return tf.sum(tf.mul(y, sample([1, ...y.shape.slice(1)], 9)));
    };
    return [this.apply(x), tf.grad(loss)(x)];
  }
}

/** Stages whose weights are all that is left in memory. */
function stagesOf(channels: number): Stages {
  let stages: Stages;
  tf.tidy(() => {
    stages = new Stages(channels);
  });
  return stages!;
}

describe.each([16, 24, 48])('ConvNeXt blocks of %s channels', (channels) => {
  let stages: Stages;
  const images = (count: number) => sample([count, 12, 8, channels], 4) as tf.Tensor4D;

  beforeAll(() => {
    stages = stagesOf(channels);
  });

  test('have the outputs and input gradients of the cpu backend', async () => {
    const compute = () => stages.outputAndGradient(images(2));
    const [expected, actual] = [await valuesOn('cpu', compute), await valuesOn('onnx', compute)];
    actual.forEach(({ shape, values }, i) => {
      expect(shape).toEqual(expected[i].shape);
      const size = Math.max(...Array.from(expected[i].values, Math.abs));
      const differences = Array.from(values, (value, k) => Math.abs(value - expected[i].values[k]));
      expect(Math.max(...differences)).toBeLessThan(3e-6 * size);
    });
  });

  test('have the same bits with a gradient and without, for an image alone, and with frozen weights', () => {
    const bits = (x: tf.Tensor4D) => tf.tidy(() => stages.outputAndGradient(x).map((y) => y.dataSync()));
    const [x, alone] = tf.tidy(() => [images(3), tf.slice(images(3), [2, 0, 0, 0], [1, -1, -1, -1])]);
    const whole = bits(x);
    expect(tf.tidy(() => stages.apply(x).dataSync())).toEqual(whole[0]);
    bits(alone).forEach((part, i) => expect(part).toEqual(whole[i].slice(-part.length)));
    const { compiles } = stats();
    freeze(stages.weights);
    expect(bits(x)).toEqual(whole);
    expect(stats().compiles).toBeGreaterThan(compiles);
    unfreeze(stages.weights);
    tf.dispose([x, alone]);
  });
});

test('large images, done one after the other and in parts of channels, have the bits of an image alone', () => {
  const stages = stagesOf(96);
  const bits = (x: tf.Tensor4D) => tf.tidy(() => stages.outputAndGradient(x).map((y) => y.dataSync()));
  const x = sample([3, 56, 56, 96], 7) as tf.Tensor4D;
  const whole = bits(x);
  for (const image of [0, 1, 2]) {
    const alone = tf.slice(x, [image, 0, 0, 0], [1, -1, -1, -1]);
    bits(alone).forEach((part, i) => {
      const same = whole[i].slice(image * part.length, (image + 1) * part.length);
      expect(part.filter((value, k) => value !== same[k])).toHaveLength(0);
    });
    alone.dispose();
  }
  const { compiles } = stats();
  freeze(stages.weights);
  bits(x).forEach((part, i) => expect(part.filter((value, k) => value !== whole[i][k])).toHaveLength(0));
  expect(stats().compiles).toBeGreaterThan(compiles);
  tf.dispose([x, ...stages.weights]);
});
