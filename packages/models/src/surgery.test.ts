import { beforeAll, describe, expect, test } from '@jest/globals';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { createModel, type ModelOptions } from './registry.js';
import { withCifarStrides, withImageSize, withNumClasses } from './surgery.js';
import type { Model } from './model.js';

const CONVNEXT: ModelOptions = {
  depths: [1, 1],
  dims: [8, 12],
  downsampleStrides: [2],
  imageSize: 32,
  numClasses: 5,
};
const VIT: ModelOptions = { depth: 1, dim: 16, heads: 2, imageSize: 32, numClasses: 5 };

function equalParameters(a: Model, b: Model, except: readonly string[]): void {
  for (const [name, variable] of [...a.parameters(), ...a.buffers()]) {
    const other = b.parameters().get(name) ?? b.buffers().get(name);
    if (except.includes(name)) continue;
    expect({ name, values: other?.dataSync() }).toEqual({ name, values: variable.dataSync() });
  }
}

describe('surgery', () => {
  beforeAll(() => tf.setBackend('cpu'));

  test.each([
    ['convnext', CONVNEXT, 'head.fc'],
    ['vit', VIT, 'head'],
    ['resnet', { depths: [1], planes: [4], numClasses: 5, imageSize: 32 }, 'fc'],
  ])('a new head for %s leaves all else as it was', (name, options, head) => {
    const model = createModel(name, options);
    const changed = withNumClasses(model, 3);
    expect(changed.numClasses).toBe(3);
    equalParameters(model, changed, [`${head}.weight`, `${head}.bias`]);
    const images = tf.zeros<tf.Rank.R4>([1, 32, 32, 3]);
    const logits = changed.classify(images);
    expect(logits.shape).toEqual([1, 3]);
    expect(changed.parameters().get(`${head}.weight`)?.shape.at(-1)).toBe(3);
    tf.dispose([images, logits]);
    model.dispose();
    changed.dispose();
  });

  test('another resolution interpolates the positions of a ViT, class token and patches', () => {
    const model = createModel('vit', VIT);
    const changed = withImageSize(model, 64);
    expect(changed.parameters().get('pos_embed')?.shape).toEqual([1, 17, 16]);
    equalParameters(model, changed, ['pos_embed']);
    const first = (positions: tf.Variable) => positions.dataSync().slice(0, 16);
    expect(first(changed.parameters().get('pos_embed')!)).toEqual(
      first(model.parameters().get('pos_embed')!),
    );
    const images = tf.zeros<tf.Rank.R4>([1, 64, 64, 3]);
    const logits = changed.classify(images);
    expect(logits.shape).toEqual([1, 5]);
    expect(() => model.classify(images)).toThrow(/expected images \[batch, 32, 32, 3\].*withImageSize/);
    tf.dispose([images, logits]);
    model.dispose();
    changed.dispose();
  });

  test("back to the old resolution: the paper's interpolation of the same size is the identity", () => {
    const model = createModel('vit', { ...VIT, positions: 'patches' });
    const same = withImageSize(model, 32, { interpolation: 'paper' });
    equalParameters(model, same, []);
    model.dispose();
    same.dispose();
  });

  test('CIFAR strides keep parameters and give maps of 32 or 31', () => {
    const model = createModel('convnext', { ...CONVNEXT, stem: 'conv' });
    const images = tf.zeros<tf.Rank.R4>([1, 32, 32, 3]);
    for (const [padding, extent] of [
      ['valid', 31],
      ['same', 32],
    ] as const) {
      const changed = withCifarStrides(model, { padding });
      equalParameters(model, changed, []);
      const features = changed.features(images, ['stem', 'stages.1']);
      expect(features.get('stem')?.shape).toEqual([1, 32, 32, 8]);
      expect(features.get('stages.1')?.shape).toEqual([1, extent, extent, 12]);
      tf.dispose([...features.values()]);
      changed.dispose();
    }
    tf.dispose(images);
    model.dispose();
  });

  test('CIFAR strides need a ConvStem', () => {
    const patch = createModel('convnext', CONVNEXT, { deferred: true });
    expect(() => withCifarStrides(patch)).toThrow(/stem: 'conv'/);
    const vit = createModel('vit', VIT, { deferred: true });
    expect(() => withCifarStrides(vit)).toThrow(/for a ConvNeXt/);
  });

  test('a Swin whose windows would change is refused', () => {
    const model = createModel(
      'swin',
      {
        depths: [1],
        dim: 8,
        heads: [1],
        window: 4,
        imageSize: 32,
        numClasses: 2,
      },
      { deferred: true },
    );
    expect(() => withImageSize(model, 8)).toThrow(/relative_position_bias_table/);
    expect(() => withImageSize(model, 40)).toThrow(/not a multiple of the window/);
    model.dispose();
  });

  test('nothing leaks', () => {
    const before = tf.memory().numTensors;
    const model = createModel('vit', VIT);
    const larger = withImageSize(model, 64);
    const fewer = withNumClasses(larger, 2);
    for (const each of [model, larger, fewer]) each.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
