/** The model doctor: each symptom on a model that has it, and silence on a healthy one. */
import { beforeAll, expect, test } from '@jest/globals';
import { randomStream, type Classifier } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';

import { checkModel } from '../src/check-model.js';
import { adaptModel } from '../src/model-adapter.js';
import { useTestBackend } from './backends.js';

const COUNT = 12;
const SHAPE: [number, number, number, number] = [COUNT, 4, 4, 3];

beforeAll(() => useTestBackend('cpu'));

const weights = (classes: number) =>
  tf.tensor2d(randomStream(0, 'weights').normals(48 * classes), [48, classes]);
const images = () => tf.tensor4d(randomStream(0, 'images').uniforms(COUNT * 48), SHAPE);

/** A linear model on centred pixels, which classifies its own labels correctly. */
function linear(classes = 5): Classifier {
  const w = weights(classes);
  return (batch) => tf.tidy(() => tf.matMul<tf.Tensor2D>(tf.sub(tf.reshape(batch, [-1, 48]), 0.5), w)); // [B,H,W,C] -> [B,48]
}

async function codes(model: Classifier, reference: Classifier = model): Promise<string[]> {
  const batch = images();
  const labels = tf.tidy(() => Array.from(tf.argMax(reference(batch), 1).dataSync()));
  const before = tf.memory().numTensors;
  const { findings, forwardImages } = await checkModel(model, batch, labels);
  expect(tf.memory().numTensors).toBe(before);
  expect(forwardImages).toBeLessThanOrEqual(8 * COUNT);
  for (const { message, consequence, fix } of findings) {
    for (const text of [message, consequence, fix]) expect(text.length).toBeGreaterThan(10);
  }
  batch.dispose();
  return findings.map(({ code }) => code);
}

test('a healthy model: nothing to say', async () => {
  expect(await codes(linear())).toEqual([]);
});

test('probabilities are recognised, and log-probabilities are as good as logits', async () => {
  const softmax: Classifier = (batch) => tf.tidy(() => tf.softmax(linear()(batch)));
  expect(await codes(softmax)).toEqual(['probabilities']);
  expect(await codes(adaptModel(softmax, { outputs: 'probabilities' }))).toEqual([]);
});

test('fewer than four classes', async () => {
  expect(await codes(linear(3))).toEqual(['few-classes']);
});

test('a random model', async () => {
  const model = linear();
  const noisy: Classifier = (batch) =>
    tf.tidy(() => model(tf.add(batch, tf.randomNormal(batch.shape, 0, 0.1))));
  expect(await codes(noisy, model)).toContain('random-model');
});

test('batch normalisation in training mode', async () => {
  const model = linear();
  const trainMode: Classifier = (batch) =>
    tf.tidy(() => model(tf.add(tf.sub(batch, tf.mean(batch, 0, true)), 0.5)));
  expect(await codes(trainMode)).toContain('batch-dependence');
});

test('zero gradients: of the logits, of saturated cross-entropy, and none in tfjs', async () => {
  const model = linear();
  const rounded: Classifier = (batch) => tf.tidy(() => model(tf.div(tf.round(tf.mul(batch, 255)), 255)));
  expect(await codes(rounded, model)).toEqual(['zero-gradients']);
  const saturated: Classifier = (batch) => tf.tidy(() => tf.mul(model(batch), 1e4));
  expect(await codes(saturated)).toEqual(['zero-gradients']);
});

test('an operation without a gradient is named', async () => {
  const model = linear();
  const sorted: Classifier = (batch) =>
    tf.tidy(() => model(tf.reshape(tf.topk(tf.reshape(batch, [-1, 48]), 48).values, batch.shape))); // [B,H,W,C] -> [B,48] and back
  const batch = images();
  // Not through `codes`: tfjs itself leaks what it saved for the backward pass when a gradient is missing.
  const { findings } = await checkModel(sorted, batch, new Array<number>(COUNT).fill(0));
  expect(findings.find(({ code }) => code === 'zero-gradients')?.message).toMatch(
    /operation TopK has no gradient/,
  );
  batch.dispose();
});

test('NaN logits', async () => {
  const broken: Classifier = (batch) => tf.tidy(() => tf.mul(linear()(batch), NaN));
  expect(await codes(broken, linear())).toContain('low-clean-accuracy');
});

test('a model for bytes gets [0,1]: the fix is proposed, and works', async () => {
  const model = linear();
  const forBytes: Classifier = (batch) =>
    tf.tidy(() => model(tf.add(tf.mul(tf.sub(tf.div(batch, 255), 0.5), 1), 0.5)));
  expect(await codes(forBytes, model)).toContain('input-range');
  expect(await codes(adaptModel(forBytes, { inputRange: [0, 255] }), model)).toEqual([]);
});

test('a model for NCHW is told how to wrap it', async () => {
  const model = linear();
  const channelsFirst: Classifier = (batch) => {
    if (batch.shape[1] !== 3) throw new Error(`expected 3 channels, got ${batch.shape[1]}`);
    return tf.tidy(() => model(tf.transpose(batch, [0, 2, 3, 1])));
  };
  await expect(codes(channelsFirst, model)).rejects.toThrow(
    /works when they are transposed to NCHW.*layout: "NCHW"/,
  );
  expect(await codes(adaptModel(channelsFirst, { layout: 'NCHW' }), model)).toEqual([]);
});

test.each([
  [255, /images must lie in \[0, 1\], found 255.*inputRange/],
  [NaN, /images must lie in \[0, 1\], found NaN/],
])('pixels of %d are refused', async (value, message) => {
  const batch = tf.fill<tf.Rank.R4>(SHAPE, value);
  await expect(checkModel(linear(), batch, new Array<number>(COUNT).fill(0))).rejects.toThrow(message);
  batch.dispose();
});
