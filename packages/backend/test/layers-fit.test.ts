import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';

import { sample, startEngine } from './engines.js';

const STEPS = 50;
const BATCH = 8;

function model(): tfl.Sequential {
  const glorot = (seed: number) => tfl.initializers.glorotUniform({ seed });
  return tfl.sequential({
    layers: [
      tfl.layers.conv2d({
        inputShape: [12, 12, 3],
        filters: 16,
        kernelSize: 3,
        padding: 'same',
        kernelInitializer: glorot(1),
      }),
      tfl.layers.batchNormalization({}),
      tfl.layers.reLU({}),
      tfl.layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', depthwiseInitializer: glorot(2) }),
      tfl.layers.maxPooling2d({ poolSize: 2 }),
      tfl.layers.conv2d({
        filters: 24,
        kernelSize: 3,
        strides: 2,
        kernelInitializer: glorot(3),
        activation: 'relu',
      }),
      tfl.layers.averagePooling2d({ poolSize: 2, strides: 1 }),
      tfl.layers.flatten(),
      tfl.layers.dense({ units: 4, kernelInitializer: glorot(4), activation: 'softmax' }),
    ],
  });
}

async function losses(backendName: string, optimizer: () => tf.Optimizer): Promise<number[]> {
  await tf.setBackend(backendName);
  const network = model();
  network.compile({ optimizer: optimizer(), loss: 'categoricalCrossentropy' });
  const images = sample([BATCH * STEPS, 12, 12, 3], 5);
  const labels = tf.tidy(() =>
    tf.oneHot(
      tf.tensor1d(
        Array.from({ length: BATCH * STEPS }, (_, i) => (i * 7) % 4),
        'int32',
      ),
      4,
    ),
  );
  const history: number[] = [];
  await network.fit(images, labels, {
    batchSize: BATCH,
    epochs: 1,
    shuffle: false,
    yieldEvery: 'never',
    callbacks: { onBatchEnd: async (_batch, logs) => void history.push(logs!.loss) },
  });
  tf.dispose([images, labels]);
  network.dispose();
  return history;
}

test.each([
  ['SGD', () => tf.train.sgd(0.02)],
  ['Adam', () => tf.train.adam(0.002)],
])('fit of tfjs-layers with %s loses as on the CPU backend, to 5 digits', async (_name, optimizer) => {
  await startEngine();
  const expected = await losses('cpu', optimizer);
  const actual = await losses('onnx', optimizer);
  expect(actual).toHaveLength(STEPS);
  actual.forEach((loss, i) => expect(Math.abs(loss / expected[i] - 1)).toBeLessThan(1e-5));
});
