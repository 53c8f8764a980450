import { beforeAll, describe, expect, test } from '@jest/globals';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { convStem } from './conv-stem.js';
import { conv2d, depthwiseConv2d } from './convolution.js';
import type { ForwardPass, Layer, Shape } from './layer.js';
import { batchNorm } from './norm.js';
import { ParameterStore } from './parameter.js';
import { patchStem } from './patch-stem.js';
import { Scope } from './scope.js';
import { PAPER_STEMS, resolveStem } from './stem-design.js';

const EVALUATION: ForwardPass = { training: false };

function build(make: (scope: Scope) => Layer): { store: ParameterStore; layer: Layer } {
  const store = new ParameterStore(0);
  return { store, layer: make(new Scope(store)) };
}

function runShape(layer: Layer, shape: Shape): Shape {
  return tf.tidy(() =>
    layer.forward(tf.ones<tf.Rank.R4>([1, shape[0], shape[1], shape[2]]), EVALUATION).shape.slice(1),
  );
}

const unmetered = { add: () => undefined };

describe('stems', () => {
  beforeAll(() => tf.setBackend('cpu'));

  test.each(Object.keys(PAPER_STEMS))(
    '%s: the declared shape is the computed one, at odd sizes too',
    (name) => {
      const { table } = PAPER_STEMS[name];
      const [channels, stride] = table === 9 ? [32, 16] : [16, 4];
      const option = table === 9 ? { name, width: 4 } : name;
      const design = resolveStem(option, { family: 'test', channels, stride, convStem: 'table8-c1' });
      const { store, layer } = build((scope) =>
        typeof design === 'object'
          ? convStem(scope, design, 3, channels)
          : patchStem(scope, { inChannels: 3, channels, patch: stride }),
      );
      for (const shape of [
        [32, 32, 3],
        [48, 64, 3],
        [37, 33, 3],
      ]) {
        expect(layer.cost(shape, unmetered)).toEqual(runShape(layer, shape));
      }
      store.dispose();
    },
  );

  test('a ConvStem has the names of the released checkpoints and starts as PyTorch does', () => {
    const design = resolveStem('table9-c1', {
      family: 'vit',
      channels: 768,
      stride: 16,
      convStem: 'table9-c1',
    });
    const { store } = build((scope) => convStem(scope.child('patch_embed.proj'), design as never, 3, 768));
    const layers = [0, 1, 3, 4, 6, 7, 9, 10, 12];
    expect(store.specs.map(({ name }) => name)).toEqual(
      layers.flatMap((i) => [`patch_embed.proj.stem.${i}.weight`, `patch_embed.proj.stem.${i}.bias`]),
    );
    const initial = Object.fromEntries(store.specs.map((spec) => [spec.name.slice(17), spec.initial]));
    expect(initial['stem.0.weight']).toEqual({ kind: 'uniform', bound: 1 / Math.sqrt(27) });
    expect(initial['stem.0.bias']).toEqual({ kind: 'uniform', bound: 1 / Math.sqrt(27) });
    expect(initial['stem.12.weight']).toEqual({ kind: 'uniform', bound: 1 / Math.sqrt(384) });
    expect(initial['stem.1.weight']).toEqual({ kind: 'constant', value: 1 });
  });
});

describe('layers', () => {
  beforeAll(() => tf.setBackend('cpu'));

  test('padding is symmetric: a stride of 2 on an even map is not TensorFlow\'s "same"', () => {
    const { store, layer } = build((scope) =>
      conv2d(scope, { inChannels: 1, outChannels: 1, kernel: 3, stride: 2, padding: 1, bias: false }),
    );
    store.set('weight', Float32Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0));
    const values = tf.tidy(() => {
      const image = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], [1, 4, 4, 1]);
      return [...layer.forward(image, EVALUATION).dataSync()];
    });
    // The top left tap of the window at (2y - 1, 2x - 1): padding above and left, never below or right.
    expect(values).toEqual([0, 0, 0, 6]);
    store.dispose();
  });

  test('a grouped convolution equals one convolution a group', () => {
    const { store, layer } = build((scope) =>
      conv2d(scope, { inChannels: 4, outChannels: 6, kernel: 3, padding: 1, groups: 2 }),
    );
    const difference = tf.tidy(() => {
      const x = tf.randomNormal<tf.Rank.R4>([2, 5, 5, 4], 0, 1, 'float32', 3);
      const [weight, bias] = [store.variable('weight') as tf.Tensor as tf.Tensor4D, store.variable('bias')];
      const halves = [0, 1].map((group) =>
        tf.conv2d(
          tf.slice(x, [0, 0, 0, 2 * group], [2, 5, 5, 2]),
          tf.slice(weight, [0, 0, 0, 3 * group], [3, 3, 2, 3]),
          1,
          1,
        ),
      );
      const expected = tf.add(tf.concat(halves, 3), bias);
      return tf.max(tf.abs(tf.sub(layer.forward(x, EVALUATION), expected))).dataSync()[0];
    });
    expect(difference).toBeLessThan(1e-6);
    store.dispose();
  });

  test('a depthwise convolution keeps channels apart', () => {
    const { store, layer } = build((scope) => depthwiseConv2d(scope, { channels: 2, kernel: 3 }));
    store.set('bias', Float32Array.of(0, 0));
    const sums = tf.tidy(() => {
      const x = tf.stack([tf.ones([1, 4, 4]), tf.zeros([1, 4, 4])], 3) as tf.Tensor4D;
      return [...tf.sum(tf.abs(layer.forward(x, EVALUATION)), [0, 1, 2]).dataSync()];
    });
    expect(sums[0]).toBeGreaterThan(0);
    expect(sums[1]).toBe(0);
    store.dispose();
  });

  test('batch norm: biased variance normalises, unbiased one is kept; a single value is refused', () => {
    const { store, layer } = build((scope) => batchNorm(scope, 1));
    const x = tf.tensor4d([1, 3], [2, 1, 1, 1]);
    const output = tf.tidy(() => [...layer.forward(x, { training: true }).dataSync()]);
    expect(output[1]).toBeCloseTo(1 / Math.sqrt(1 + 1e-5), 5);
    expect(store.variable('running_mean').dataSync()[0]).toBeCloseTo(0.2, 6);
    expect(store.variable('running_var').dataSync()[0]).toBeCloseTo(0.9 + 0.1 * 2, 6);
    expect(store.variable('num_batches_tracked').dataSync()[0]).toBe(1);
    const one = tf.ones<tf.Rank.R4>([1, 1, 1, 1]);
    expect(() => tf.tidy(() => layer.forward(one, { training: true }))).toThrow(
      /more than one value a channel/,
    );
    tf.dispose([x, one]);
    store.dispose();
  });
});

describe('ParameterStore', () => {
  beforeAll(() => tf.setBackend('cpu'));

  test('makes what is needed, once, and disposes all', () => {
    const before = tf.memory().numTensors;
    const { store } = build((scope) => conv2d(scope, { inChannels: 3, outChannels: 4, kernel: 3 }));
    expect(tf.memory().numTensors).toBe(before);
    expect(store.variable('bias')).toBe(store.variable('bias'));
    expect(tf.memory().numTensors).toBe(before + 1);
    store.materialize();
    expect(tf.memory().numTensors).toBe(before + 2);
    store.set('bias', Float32Array.of(1, 2, 3, 4));
    expect([...store.variable('bias').dataSync()]).toEqual([1, 2, 3, 4]);
    expect(tf.memory().numTensors).toBe(before + 2);
    store.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('refuses wrong lengths, unknown names and names declared twice', () => {
    const { store } = build((scope) => conv2d(scope, { inChannels: 3, outChannels: 4, kernel: 3 }));
    expect(() => store.set('bias', new Float32Array(3))).toThrow(/bias has 4 elements \[4\], got 3/);
    expect(() => store.variable('scale')).toThrow(/has no scale/);
    expect(() => store.declare(store.specs[0])).toThrow(/declared twice/);
  });
});
