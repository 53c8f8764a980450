/**
 * AutoAttack on networks that this repository did not define: a tf.LayersModel and a tf.GraphModel, written to disk and loaded
 * back, with nothing but this package and tfjs.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createBall, randomStream } from '@revat/core';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';

import { autoAttack } from '../src/auto-attack.js';
import { adaptModel, type Model } from '../src/model-adapter.js';
import { useTestBackend } from './backends.js';

const COUNT = 16;
const SIDE = 8;
const EPS = 0.06;
const VERSION = {
  version: 'custom',
  attacks: [
    { name: 'apgd-ce', options: { steps: 10 } },
    { name: 'apgd-t', options: { steps: 10, targets: 2 } },
    { name: 'fab-t', options: { steps: 5, targets: 2 } },
    { name: 'square', options: { queries: 50 } },
  ],
} as const;

let folder: string;
beforeAll(async () => {
  await useTestBackend('cpu');
  folder = await mkdtemp(join(tmpdir(), 'revat-models-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Bars at one of four places, with noise: easy to learn. */
function bars() {
  const stream = randomStream(0, 'bars');
  const labels = Array.from({ length: COUNT }, (_, i) => i % 4);
  const pixels = Float32Array.from({ length: COUNT * SIDE * SIDE }, (_, i) => {
    const [image, column] = [Math.floor(i / (SIDE * SIDE)), i % SIDE];
    return Math.min(1, 0.3 * stream.uniform() + (column >> 1 === labels[image] ? 0.4 : 0));
  });
  return { images: tf.tensor4d(pixels, [COUNT, SIDE, SIDE, 1]), labels, pixels };
}

/** Writes model artifacts to two files, and reads them back, as a server or a file handler would. */
const toDisk = (name: string): tf.io.IOHandler => ({
  save: async (artifacts) => {
    const { weightData, ...rest } = artifacts;
    await writeFile(join(folder, `${name}.json`), JSON.stringify(rest));
    await writeFile(join(folder, `${name}.bin`), new Uint8Array(weightData as ArrayBuffer));
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
  },
  load: async () => {
    const rest = JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8')) as tf.io.ModelArtifacts;
    const bytes = await readFile(join(folder, `${name}.bin`));
    return { ...rest, weightData: Uint8Array.from(bytes).buffer };
  },
});

async function expectAttack(model: Model): Promise<void> {
  const { images, labels, pixels } = bars();
  const before = tf.memory().numTensors;
  const attack = autoAttack({ norm: 'Linf', eps: EPS, ...VERSION });
  const { adversarial, success, diagnostics } = await attack.run(model, images, labels);
  expect(tf.memory().numTensors).toBe(before + 1);

  const logits = tf.tidy(() => adaptModel(model)(adversarial));
  const predictions = tf.tidy(() => Array.from(tf.argMax(logits, 1).dataSync()));
  predictions.forEach((label, i) => expect(Number(label !== labels[i])).toBe(success[i]));
  const points = await adversarial.data();
  for (let i = 0; i < COUNT; i++) {
    const row = (values: ArrayLike<number>) =>
      Float32Array.from(values).slice(i * SIDE * SIDE, (i + 1) * SIDE * SIDE);
    expect(createBall('Linf', row(pixels), EPS).contains(row(points))).toBe(true);
  }
  const clean = diagnostics.brokenBy!.filter((attackName) => attackName === 'clean').length;
  expect(clean).toBeLessThan(COUNT / 2);
  expect(await images.data()).toEqual(pixels);
  tf.dispose([images, adversarial, logits]);
}

test('a tf.LayersModel with batch normalisation, saved and loaded', async () => {
  const { images, labels } = bars();
  const network = layers.sequential({
    layers: [
      layers.layers.conv2d({
        inputShape: [SIDE, SIDE, 1],
        filters: 6,
        kernelSize: 3,
        strides: 2,
        activation: 'relu',
        kernelInitializer: layers.initializers.glorotUniform({ seed: 1 }),
      }),
      // Its averages must get there within few steps.
      layers.layers.batchNormalization({ momentum: 0.5 }),
      layers.layers.flatten(),
      layers.layers.dense({
        units: 4,
        kernelInitializer: layers.initializers.glorotUniform({ seed: 2 }),
      }),
    ],
  });
  network.compile({ optimizer: tf.train.adam(0.05), loss: (y, z) => tf.losses.softmaxCrossEntropy(y, z) });
  const targets = tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d(labels, 'int32'), 4), 'float32'));
  await network.fit(images, targets, { epochs: 15, shuffle: false, verbose: 0 });
  await network.save(toDisk('layers'));
  const loaded = await layers.loadLayersModel(toDisk('layers'));
  await expectAttack(loaded);
  tf.dispose([images, targets]);
  network.dispose();
  loaded.dispose();
});

/** A graph as the TensorFlow converter writes it: convolution with bias and ReLU, dense layer; weights that see the bars. */
function graphArtifacts(): tf.io.ModelArtifacts {
  const constant = (name: string) => ({ name, op: 'Const', attr: { dtype: { type: 'DT_FLOAT' } } });
  const kernel = Float32Array.from({ length: 2 * 2 * 1 * 1 }, () => 0.25);
  // One feature per column pair and row pair: [4,4,1] -> 16 features; class c adds up its column pair.
  const dense = Float32Array.from({ length: 16 * 4 }, (_, i) => ((i >> 2) % 4 === i % 4 ? 1 : 0));
  const weightData = new Float32Array([...kernel, 0, ...dense, 0, 0, 0, 0]);
  const strings = (values: string[]) => ({
    list: { s: values.map((value) => Buffer.from(value).toString('base64')) },
  });
  return {
    format: 'graph-model',
    modelTopology: {
      versions: { producer: 1395, minConsumer: 12 },
      node: [
        {
          name: 'images',
          op: 'Placeholder',
          attr: {
            dtype: { type: 'DT_FLOAT' },
            shape: { shape: { dim: [{ size: '-1' }, { size: '8' }, { size: '8' }, { size: '1' }] } },
          },
        },
        constant('kernel'),
        constant('bias'),
        constant('dense'),
        constant('offset'),
        { name: 'flat_shape', op: 'Const', attr: { dtype: { type: 'DT_INT32' } } },
        {
          name: 'features',
          op: '_FusedConv2D',
          input: ['images', 'kernel', 'bias'],
          attr: {
            T: { type: 'DT_FLOAT' },
            num_args: { i: '1' },
            fused_ops: strings(['BiasAdd', 'Relu']),
            strides: { list: { i: ['1', '2', '2', '1'] } },
            padding: { s: Buffer.from('VALID').toString('base64') },
            data_format: { s: Buffer.from('NHWC').toString('base64') },
            dilations: { list: { i: ['1', '1', '1', '1'] } },
          },
        },
        { name: 'flat', op: 'Reshape', input: ['features', 'flat_shape'], attr: { T: { type: 'DT_FLOAT' } } },
        {
          name: 'product',
          op: 'MatMul',
          input: ['flat', 'dense'],
          attr: { transpose_a: { b: false }, transpose_b: { b: false } },
        },
        { name: 'logits', op: 'AddV2', input: ['product', 'offset'], attr: { T: { type: 'DT_FLOAT' } } },
      ],
    },
    weightSpecs: [
      { name: 'kernel', shape: [2, 2, 1, 1], dtype: 'float32' },
      { name: 'bias', shape: [1], dtype: 'float32' },
      { name: 'dense', shape: [16, 4], dtype: 'float32' },
      { name: 'offset', shape: [4], dtype: 'float32' },
      { name: 'flat_shape', shape: [2], dtype: 'int32' },
    ],
    // A copy of exactly these bytes: a Buffer's own memory is a shared pool.
    weightData: Uint8Array.from(
      Buffer.concat([Buffer.from(weightData.buffer), Buffer.from(Int32Array.of(-1, 16).buffer)]),
    ).buffer,
  };
}

test('a tf.GraphModel, saved and loaded', async () => {
  await toDisk('graph').save!(graphArtifacts());
  const loaded = await loadGraphModel(toDisk('graph'));
  await expectAttack(loaded);
  loaded.dispose();
});

test('what is no model is refused', async () => {
  const { images, labels } = bars();
  const attack = autoAttack({ norm: 'Linf', eps: EPS, ...VERSION });
  await expect(attack.run({} as Model, images, labels)).rejects.toThrow(
    /give a function .* a tf.LayersModel or a tf.GraphModel/,
  );
  const scores: Model = (batch) => tf.tidy(() => tf.sum(batch, [1, 2, 3]) as unknown as tf.Tensor2D);
  await expect(attack.run(scores, images, labels)).rejects.toThrow(
    /must return logits \[16,K\] for 16 images, returned \[16\]/,
  );
  images.dispose();
});
