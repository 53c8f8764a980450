/**
 * Prints, as JSON, the losses of 50 steps of tfjs-layers' fit on the 'cpu' and on the 'onnx' backend. A process of its
 * own, on the built package: the CPU kernels are too slow within Jest's context.
 */
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';

import { registerOnnxBackend, stats } from '@revat/backend';

const STEPS = 50;
const BATCH = 2;
const SIZE = 8;

const OPTIMIZERS = { sgd: () => tf.train.sgd(0.02), adam: () => tf.train.adam(0.002) };

function model() {
  const glorot = (seed) => tfl.initializers.glorotUniform({ seed });
  return tfl.sequential({
    layers: [
      tfl.layers.conv2d({
        inputShape: [SIZE, SIZE, 3],
        filters: 16,
        kernelSize: 3,
        padding: 'same',
        kernelInitializer: glorot(1),
      }),
      tfl.layers.batchNormalization({}),
      tfl.layers.reLU({}),
      tfl.layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', depthwiseInitializer: glorot(2) }),
      tfl.layers.maxPooling2d({ poolSize: 2 }),
      tfl.layers.conv2d({ filters: 24, kernelSize: 3, kernelInitializer: glorot(3), activation: 'relu' }),
      tfl.layers.averagePooling2d({ poolSize: 2, strides: 1 }),
      tfl.layers.flatten(),
      tfl.layers.dense({ units: 4, kernelInitializer: glorot(4), activation: 'softmax' }),
    ],
  });
}

/** Reproducible numbers in (-1, 1). */
function images() {
  let state = 1;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) | 0) / 2 ** 31;
  const count = BATCH * STEPS * SIZE * SIZE * 3;
  return tf.tensor4d(Float32Array.from({ length: count }, next), [BATCH * STEPS, SIZE, SIZE, 3]);
}

async function losses(backendName, optimizer) {
  await tf.setBackend(backendName);
  const network = model();
  network.compile({ optimizer, loss: 'categoricalCrossentropy' });
  const labels = tf.oneHot(
    tf.tensor1d(
      Array.from({ length: BATCH * STEPS }, (_, i) => (i * 7) % 4),
      'int32',
    ),
    4,
  );
  const history = [];
  const callbacks = { onBatchEnd: async (_batch, logs) => void history.push(logs.loss) };
  await network.fit(images(), labels, { batchSize: BATCH, shuffle: false, yieldEvery: 'never', callbacks });
  return history;
}

const results = {};
registerOnnxBackend({ threads: 1 });
for (const [name, optimizer] of Object.entries(OPTIMIZERS)) {
  const expected = await losses('cpu', optimizer());
  const actual = await losses('onnx', optimizer());
  results[name] = { expected, actual, compiles: stats().compiles, fallbacks: stats().fallbacks };
}
process.stdout.write(JSON.stringify(results));
