import { beforeAll, describe, expect, test } from '@jest/globals';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Model } from './model.js';
import { createModel, modelNames, type ModelOptions } from './registry.js';

const SMALL: ModelOptions = { imageSize: 32, numClasses: 4 };

/** A small network of every family. */
const FAMILIES: readonly [string, ModelOptions][] = [
  ['convnext', { ...SMALL, depths: [1, 1], dims: [8, 12], downsampleStrides: [2], stem: 'conv' }],
  ['convnext_isotropic', { ...SMALL, depth: 1, dim: 8 }],
  ['vit', { ...SMALL, depth: 2, dim: 16, heads: 2, layerScale: 1e-6 }],
  ['xcit', { ...SMALL, depth: 1, dim: 16, heads: 2 }],
  ['swin', { ...SMALL, depths: [2, 1], dim: 8, heads: [1, 2], window: 4 }],
  ['resnet', { ...SMALL, depths: [1, 1], planes: [4, 8] }],
  ['robarch', { ...SMALL, depths: [1], widths: [16], stemWidth: 8 }],
  ['internimage', { ...SMALL, depths: [1, 1], dim: 8, groups: [2, 2] }],
];

function images(batch: number, side = 32): tf.Tensor4D {
  return tf.randomUniform([batch, side, side, 3], 0, 1, 'float32', 5);
}

function outputs(model: Model, input: tf.Tensor4D): Float32Array {
  return tf.tidy(() => model.classify(input).dataSync<'float32'>().slice());
}

describe.each(FAMILIES)('the contract of %s', (name, options) => {
  beforeAll(() => tf.setBackend('cpu'));

  test('logits [B, K]; nothing of the caller is touched, nothing leaks, dispose frees all', () => {
    const input = images(2);
    const empty = tf.memory().numTensors;
    const model = createModel(name, { ...options, normalization: 'imagenet' });
    const warm = model.classify(input);
    expect(warm.shape).toEqual([2, 4]);
    expect(warm.dataSync().every(Number.isFinite)).toBe(true);
    warm.dispose();
    const before = tf.memory().numTensors;
    const { classify } = model;
    classify(input).dispose();
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([...model.features(input).values()]);
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
    expect(tf.memory().numTensors).toBe(empty);
    input.dispose();
  });

  test('its configuration is plain data and rebuilds it', () => {
    const model = createModel(name, options);
    const config = JSON.parse(JSON.stringify(model.config)) as ModelOptions;
    expect(config).toEqual(model.config);
    const again = createModel(name, config);
    for (const [parameter, variable] of model.parameters())
      expect(again.parameters().get(parameter)?.dataSync()).toEqual(variable.dataSync());
    model.dispose();
    again.dispose();
  });

  test('an image does not depend on the rest of its batch', () => {
    const model = createModel(name, options);
    const pair = images(2);
    const first = tf.slice(pair, 0, 1);
    const [together, alone] = [outputs(model, pair), outputs(model, first)];
    alone.forEach((value, i) => expect(value).toBeCloseTo(together[i], 5));
    tf.dispose([pair, first]);
    model.dispose();
  });

  test('another seed draws other weights; parameters are trainable, buffers are not', () => {
    const [a, b] = [createModel(name, options), createModel(name, { ...options, seed: 1 })];
    const drawn = a.specs.filter(({ initial }) => initial.kind !== 'constant' && initial.kind !== 'given');
    expect(drawn.length).toBeGreaterThan(0);
    const [first] = drawn.filter(({ kind }) => kind === 'parameter');
    expect(a.parameters().get(first.name)?.dataSync()).not.toEqual(
      b.parameters().get(first.name)?.dataSync(),
    );
    expect([...a.parameters().values()].every(({ trainable }) => trainable)).toBe(true);
    expect([...a.buffers().values()].some(({ trainable }) => trainable)).toBe(false);
    a.dispose();
    b.dispose();
  });

  test('the declared shape of every part is the computed one', () => {
    const model = createModel(name, options, { deferred: true });
    expect(model.network.cost([32, 32, 3], { add: () => undefined })).toEqual([4]);
    model.dispose();
  });
});

describe('Model', () => {
  beforeAll(() => tf.setBackend('cpu'));

  test('normalisation is (x - mean) / std, and can be changed', () => {
    const input = images(1);
    const plain = createModel('convnext', FAMILIES[0][1]);
    const inside = createModel('convnext', { ...FAMILIES[0][1], normalization: 'imagenet' });
    const by = tf.tidy(() =>
      tf.div<tf.Tensor4D>(tf.sub(input, [0.485, 0.456, 0.406]), [0.229, 0.224, 0.225]),
    );
    expect(outputs(inside, input)).toEqual(outputs(plain, by));
    plain.normalization = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
    expect(outputs(plain, input)).toEqual(outputs(inside, input));
    expect(plain.config.normalization).toEqual({ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] });
    tf.dispose([input, by]);
    plain.dispose();
    inside.dispose();
  });

  test('a deferred model makes what it needs when it needs it', () => {
    const before = tf.memory().numTensors;
    const model = createModel('convnext_large', {}, { deferred: true });
    expect(tf.memory().numTensors).toBe(before);
    model.setParameter('head.fc.bias', new Float32Array(1000).fill(2));
    expect(tf.memory().numTensors).toBe(before + 1);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('parameters made inside of a tidy outlive it', () => {
    const model = createModel('vit', FAMILIES[2][1], { deferred: true });
    const eager = createModel('vit', FAMILIES[2][1]);
    const input = images(1);
    const first = outputs(model, input);
    expect(outputs(model, input)).toEqual(first);
    expect(outputs(eager, input)).toEqual(first);
    input.dispose();
    model.dispose();
    eager.dispose();
  });

  test('two models of one kind do not share anything', () => {
    const [a, b] = [createModel('vit', FAMILIES[2][1]), createModel('vit', FAMILIES[2][1])];
    a.setParameter('head.bias', Float32Array.of(1, 2, 3, 4));
    expect([...b.parameters().get('head.bias')!.dataSync()]).toEqual([0, 0, 0, 0]);
    a.dispose();
    expect(b.parameters().get('head.weight')?.isDisposed).toBe(false);
    b.dispose();
  });

  test('stochastic depth: off in evaluation, keyed by seed and pass in training, right on average', () => {
    const options: ModelOptions = { ...SMALL, depth: 4, dim: 8, dropPath: 0.8 };
    const model = createModel('convnext_isotropic', options);
    const still = createModel('convnext_isotropic', { ...options, dropPath: 0 });
    const input = images(3);
    expect(outputs(model, input)).toEqual(outputs(still, input));
    model.mode = 'train';
    const [first, second] = [outputs(model, input), outputs(model, input)];
    expect(model.trainingPasses).toBe(2);
    expect(first).not.toEqual(second);
    model.trainingPasses = 0;
    expect(outputs(model, input)).toEqual(first);
    input.dispose();
    model.dispose();
    still.dispose();
  });

  test('unknown paths of features are named, and nothing is left behind', () => {
    const model = createModel('convnext', FAMILIES[0][1]);
    const input = images(1);
    const before = tf.memory().numTensors;
    expect(() => model.features(input, ['stem', 'stages.9'])).toThrow(/no part is called stages\.9/);
    expect(tf.memory().numTensors).toBe(before);
    input.dispose();
    model.dispose();
  });

  test('images that are too small are refused by the layer that cannot take them', () => {
    const model = createModel('convnext', FAMILIES[0][1]);
    const input = images(1, 4);
    expect(() => model.classify(input)).toThrow(/stages\.1\.downsample\.1: a map of 1 x 1 is too small/);
    input.dispose();
    model.dispose();
  });

  test('images that do not fit are refused', () => {
    const model = createModel('vit', FAMILIES[2][1]);
    for (const shape of [
      [1, 16, 16, 3],
      [1, 32, 32, 1],
      [1, 3, 32, 32],
    ]) {
      const input = tf.zeros<tf.Rank.R4>(shape as [number, number, number, number]);
      expect(() => model.classify(input)).toThrow(/vit: expected images \[batch, 32, 32, 3\] \(NHWC\)/);
      input.dispose();
    }
    model.dispose();
  });
});

describe('stems on other families', () => {
  beforeAll(() => tf.setBackend('cpu'));

  test.each<[string, ModelOptions]>([
    ['swin', { ...FAMILIES[4][1], stem: 'conv' }],
    ['swin', { ...FAMILIES[4][1], stem: 'table7-conv7s4' }],
    ['resnet', { ...FAMILIES[5][1], stem: 'table7-conv5s2-conv3s2' }],
    ['resnet', { ...FAMILIES[5][1], stem: { layers: [{ kernel: 3, stride: 1, channels: 64 }] } }],
    ['resnet', { ...FAMILIES[5][1], stem: 'patch' }],
    ['robarch', { ...FAMILIES[6][1], stem: 'patch' }],
    ['robarch', { ...FAMILIES[6][1], stem: { layers: [{ kernel: 3, stride: 2, channels: 8 }] } }],
    ['internimage', { ...FAMILIES[7][1], stem: 'table8-c2' }],
    ['internimage', { ...FAMILIES[7][1], stem: 'patch' }],
    ['xcit', { ...FAMILIES[3][1], stem: { name: 'table9-c5', width: 4 } }],
    ['xcit', { ...FAMILIES[3][1], stem: 'patch' }],
    ['vit', { ...FAMILIES[2][1], stem: { name: 'table9-c3', width: 4 } }],
    ['convnext_isotropic', { ...FAMILIES[1][1], stem: { name: 'table9-c2', width: 4 } }],
  ])('%s with %j', (name, options) => {
    const input = images(1);
    const model = createModel(name, options);
    expect(outputs(model, input).every(Number.isFinite)).toBe(true);
    input.dispose();
    model.dispose();
  });
});

describe('createModel', () => {
  test('knows families and sizes', () => {
    expect(modelNames()).toEqual(
      expect.arrayContaining(['convnext', 'convnext_tiny', 'convnext_micro', 'vit_base']),
    );
  });

  test.each<[string, Record<string, unknown>, RegExp]>([
    ['convnext_huge', {}, /no model is called 'convnext_huge'. Known: convnext, /],
    ['toString', {}, /no model is called/],
    ['convnext_tiny', { depth: 3 }, /convnext_tiny: unknown option 'depth'. Known: /],
    ['convnext_tiny', { depths: [3, 3] }, /depths and dims need one entry a stage/],
    ['convnext_tiny', { numClasses: 0 }, /numClasses must be a positive integer, got 0/],
    ['convnext_tiny', { seed: 0.5 }, /seed must be an integer/],
    ['convnext_tiny', { kernelSize: 4 }, /kernelSize must be odd/],
    ['convnext_tiny', { dropPath: 1 }, /dropPath must be in \[0, 1\)/],
    ['convnext_tiny', { downsampleStrides: [2] }, /4 stages need 3 downsampleStrides/],
    ['convnext_tiny', { downsamplePadding: 'reflect' }, /must be 'valid' or 'same'/],
    ['convnext_tiny', { normalization: 'cifar' }, /normalization: expected 'none', 'imagenet'/],
    ['convnext_tiny', { normalization: { mean: [0], std: [1] } }, /with 3 numbers each/],
    ['convnext_tiny', { stem: 'convolutional' }, /no stem is called 'convolutional'/],
    ['convnext_tiny', { layerScale: '1e-6' }, /layerScale must be a number or null, got "1e-6"/],
    ['convnext_tiny', { stem: null }, /stem must be a name/],
    ['internimage_tiny', { headRatio: 0 }, /headRatio must be a number > 0, got 0/],
    ['convnext_isotropic', { kernelSize: 6 }, /kernelSize must be odd/],
    ['vit_small', { heads: 5 }, /dim 384 is not divisible by 5 heads/],
    ['vit_small', { imageSize: 225 }, /imageSize 225 is not divisible by patchSize 16/],
    ['vit_small', { positions: 'none' }, /positions must be/],
    ['xcit_small_12', { patchSize: 12 }, /patchSize must be a power of 2/],
    ['swin_base', { imageSize: 256 }, /stage 0 has 64 tokens a side, not a multiple of the window 7/],
    ['swin_base', { heads: [4, 8, 16] }, /one entry a stage/],
    ['resnet50', { planes: [64] }, /one entry a layer group/],
    ['robarch_small', { groups: 7 }, /multiple of 7 groups/],
    ['internimage_tiny', { groups: [3, 8, 16, 32] }, /width 64, not divisible by 3 groups/],
  ])('%s with %j is refused before anything is made', (name, options, message) => {
    expect(() => createModel(name, options as ModelOptions)).toThrow(message);
  });
});
