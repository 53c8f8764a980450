// docs/examples/evaluate-and-report.mjs
// Trains two small classifiers of handwritten digits, attacks them with AutoAttack, and writes an HTML report.
import { mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { useBackend } from '@revat/backend';
import { digits } from '@revat/data';
import {
  evaluate,
  RESULTS_VERSION,
  radiusCurves,
  takePictures,
  threatModel,
  verdictText,
  writeReport,
  writeResults,
} from '@revat/robustbench';
import * as tf from '@tensorflow/tfjs-core';

const device = await useBackend('auto');
const IMAGE_SIZE = 8;
const FEATURES = IMAGE_SIZE * IMAGE_SIZE * 3;

async function readImages(dataset) {
  const samples = await Promise.all(Array.from({ length: dataset.length }, (_, i) => dataset.sample(i)));
  const pixels = samples.flatMap((sample) => Array.from(sample.pixels, (value) => value / 255));
  return {
    images: tf.tensor4d(pixels, [samples.length, IMAGE_SIZE, IMAGE_SIZE, 3]),
    labels: tf.tensor1d(
      samples.map(({ label }) => label),
      'int32',
    ),
  };
}

// Softmax regression, trained on clean images or on images moved one gradient-sign step (FGSM) of size eps.
async function trainLinear(id, label, eps, { images, labels }) {
  const weight = tf.variable(tf.zeros([FEATURES, 10]), true, `${id}/weight`);
  const classify = (batch) => tf.tidy(() => tf.matMul(tf.reshape(batch, [-1, FEATURES]), weight));
  const targets = tf.oneHot(labels, 10);
  const loss = (batch) => tf.losses.softmaxCrossEntropy(targets, classify(batch));
  const optimizer = tf.train.adam(0.05);
  for (let step = 0; step < 120; step++) {
    tf.tidy(() => {
      const moved = eps === 0 ? images : tf.add(images, tf.mul(tf.sign(tf.grad(loss)(images)), eps));
      optimizer.minimize(() => loss(tf.clipByValue(moved, 0, 1)));
    });
  }
  return {
    id,
    label,
    architecture: 'softmax regression',
    classify,
    parameters: () => new Map([['weight', weight]]),
  };
}

const train = await readImages(digits({ split: 'train', imageSize: IMAGE_SIZE }));
const models = [
  await trainLinear('clean', 'Trained on clean images', 0, train),
  await trainLinear('adversarial', 'Trained on FGSM images', 0.1, train),
];

// Killed or interrupted, the same call with the same folder continues where it stopped.
const folder = await mkdtemp(path.join(os.tmpdir(), 'revat-report-'));
const data = digits({ split: 'test', imageSize: IMAGE_SIZE });
const threatModels = [
  threatModel({ norm: 'Linf', eps: 0.1, seen: true }),
  threatModel({ norm: 'L2', eps: 1, protocol: 'apgdt' }),
  threatModel({ norm: 'L1', eps: 4, protocol: 'apgdt' }),
];
const shared = { models, data, samples: 20, seed: 0, out: path.join(folder, 'evaluation') };
const evaluation = await evaluate({ ...shared, threatModels });
const curves = await radiusCurves({
  ...shared,
  radii: { Linf: [0.05, 0.1, 0.15, 0.2], L2: [0.25, 0.5, 1, 1.5] },
});
const pictures = await takePictures({ ...shared, models: models.map(({ id }) => id), threatModels, folder });

const results = {
  schema: 'revat.results',
  version: RESULTS_VERSION,
  created: new Date().toISOString(),
  recipe: {
    name: 'Softmax regression on digits',
    command: 'node docs/examples/evaluate-and-report.mjs',
    seed: 0,
    versions: { node: process.version },
    settings: {},
  },
  device: {
    backend: tf.getBackend(),
    provider: device.provider ?? null,
    threads: device.threads ?? null,
    processor: os.cpus()[0].model,
    cores: os.cpus().length,
    memoryBytes: os.totalmem(),
    platform: `${process.platform} ${process.arch}`,
  },
  data: {
    name: data.name,
    classNames: data.classNames,
    imageSize: IMAGE_SIZE,
    trainImages: train.labels.size,
    testImages: data.length,
  },
  ...evaluation,
  training: [],
  radiusCurves: curves,
  pictures,
  timings: [],
  files: [{ path: 'evaluation', description: 'verdict on every image' }],
};
await writeResults(path.join(folder, 'results.json'), results);
console.log(verdictText(results));
console.log(await writeReport(folder));
