import { beforeAll, expect, test } from '@jest/globals';
import { trainingApgd } from '@revat/attacks';
import { stats, useBackend } from '@revat/backend';
import { createModel } from '@revat/models';
import { AdamW, trainStep, type Perturb } from '@revat/train';
import * as tf from '@tensorflow/tfjs-core';

beforeAll(async () => {
  await useBackend('onnx');
});

// Compiling takes longer than a step, and every plan keeps its working memory.
test.each(['Linf', 'L2', 'L1'] as const)(
  'a radius that grows from step to step compiles no graph after the first (%s)',
  (norm) => {
    const model = createModel('convnext_micro', { depths: [1], dims: [8], numClasses: 4, imageSize: 8 });
    const optimizer = new AdamW(model.parameters());
    const perturb: Perturb = (classify, images, targets, eps) =>
      trainingApgd({ norm, eps, steps: 2 }).perturb(classify, images, targets);
    const step = (eps: number) =>
      tf.tidy(() => {
        const images = tf.fill<tf.Rank.R4>([4, 8, 8, 3], 0.5);
        const targets = tf.oneHot(tf.tensor1d([0, 1, 2, 3], 'int32'), 4) as tf.Tensor2D;
        trainStep(model, optimizer, { images, targets, learningRate: eps / 10, eps }, { perturb }).dataSync();
      });
    step(0.01);
    step(0.02); // From the second step on the optimiser's moments are values, not zeros.
    const { compiles, runs } = stats();
    for (let i = 3; i < 8; i++) step(i / 100);
    expect(stats()).toMatchObject({ compiles, runs: runs + 5 });
    optimizer.dispose();
    model.dispose();
  },
);
