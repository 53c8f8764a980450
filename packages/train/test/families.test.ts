import { beforeAll, expect, test } from '@jest/globals';
import { trainingApgd } from '@revat/attacks';
import { resetStats, stats, useBackend } from '@revat/backend';
import { createModel, type ModelOptions } from '@revat/models';
import { AdamW, trainStep, WeightAverage, type Perturb } from '@revat/train';
import * as tf from '@tensorflow/tfjs-core';

const SIZE = 64;

/** The families that the engine promises to train without a JavaScript kernel, small. */
const NETWORKS: Record<string, [name: string, options: ModelOptions]> = {
  ConvNeXt: ['convnext', { depths: [1, 1, 1, 1], dims: [16, 16, 32, 32], dropPath: 0.1 }],
  'ConvNeXt with ConvStem': ['convnext', { stem: 'conv', depths: [1, 1], dims: [16, 32] }],
  'isotropic ConvNeXt': ['convnext_isotropic', { depth: 2, dim: 32 }],
  ViT: ['vit', { depth: 2, dim: 32, heads: 2, dropPath: 0.1 }],
  'DeiT-III with ConvStem': [
    'vit',
    { stem: 'conv', depth: 2, dim: 32, heads: 2, layerScale: 1e-6, positions: 'patches' },
  ],
  XCiT: ['xcit', { depth: 2, dim: 32, heads: 2, classAttentionBlocks: 1 }],
  Swin: ['swin', { depths: [2, 2], dim: 32, heads: [1, 2], window: 4, dropPath: 0.1 }],
  ResNet: ['resnet', { depths: [1, 1, 1, 1], planes: [8, 8, 16, 16], stemWidth: 8 }],
};

beforeAll(async () => {
  await useBackend('onnx');
});

test.each(Object.entries(NETWORKS))('a step of %s falls back on no kernel', (_family, [name, options]) => {
  const model = createModel(name, { ...options, numClasses: 4, imageSize: SIZE });
  const optimizer = new AdamW(model.parameters());
  const average = new WeightAverage(model, 0.9);
  const perturb: Perturb = (classify, images, targets, eps) =>
    trainingApgd({ norm: 'Linf', eps, steps: 2 }).perturb(classify, images, targets);
  const images = tf.randomUniform<tf.Rank.R4>([2, SIZE, SIZE, 3]);
  const targets = tf.tensor2d([1, 0, 0, 0, 0, 1, 0, 0], [2, 4]);
  resetStats();
  const losses = [1, 2].map(() => {
    const result = trainStep(
      model,
      optimizer,
      { images, targets, learningRate: 1e-3, eps: 0.01 },
      { perturb, average },
    );
    const [loss] = result.dataSync();
    result.dispose();
    return loss;
  });
  expect(losses.every(Number.isFinite)).toBe(true);
  expect(stats().fallbacks).toEqual({});
  tf.dispose([images, targets]);
  average.dispose();
  optimizer.dispose();
  model.dispose();
});
