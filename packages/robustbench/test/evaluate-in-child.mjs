// node evaluate-in-child.mjs OUT BACKEND: evaluates a small convolutional classifier into the folder OUT, at a pace at which it
// can be killed in between. Prints a dot for every event.
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import { useBackend } from '@revat/backend';
import { evaluate, threatModel } from '@revat/robustbench';
import * as tf from '@tensorflow/tfjs-core';

const [out, backend] = process.argv.slice(2);
const SAMPLES = 15;
const SIDE = 8;
const FILTERS = 16;

/** Reproducible numbers in [0, 1). */
const numbers = (name, count) =>
  Float32Array.from(
    { length: count },
    (_, i) => createHash('sha256').update(`${name} ${i}`).digest()[0] / 256,
  );

const variable = (name, shape) => {
  const values = numbers(
    name,
    shape.reduce((a, b) => a * b),
  ).map((value) => value - 0.5);
  return tf.variable(tf.tensor(values, shape), true, name);
};

await useBackend(backend, { threads: 1 });
const filters = variable('filters', [3, 3, 3, FILTERS]);
const weight = variable('weight', [SIDE * SIDE * FILTERS, 4]);
const classify = (images) =>
  tf.tidy(() => {
    const features = tf.sigmoid(tf.conv2d(images, filters, 1, 'same'));
    return tf.matMul(tf.reshape(features, [-1, SIDE * SIDE * FILTERS]), weight);
  });
const pixels = numbers('pixels', SAMPLES * SIDE * SIDE * 3).map((value) => Math.round(value * 255));
const all = tf.tensor4d(
  pixels.map((value) => value / 255),
  [SAMPLES, SIDE, SIDE, 3],
);
const labels = await tf.argMax(classify(all), 1).array();

await evaluate({
  model: { id: 'convolutional', classify, parameters: () => new Map(Object.entries({ filters, weight })) },
  data: {
    name: 'slow images',
    length: SAMPLES,
    classNames: ['a', 'b', 'c', 'd'],
    async sample(index) {
      await pause(2);
      const size = SIDE * SIDE * 3;
      const image = Uint8Array.from(pixels.subarray(index * size, (index + 1) * size));
      return { pixels: image, width: SIDE, height: SIDE, label: labels[index], id: index };
    },
  },
  threatModels: [
    threatModel({ norm: 'Linf', eps: 0.02, protocol: 'apgd-ce' }),
    threatModel({ norm: 'L2', eps: 0.2, protocol: 'apgdt' }),
  ],
  out,
  batchSize: 3,
  onEvent: () => process.stdout.write('.'),
});
