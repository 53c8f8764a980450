// Evaluates a small linear model into the folder given, at a pace at which it can be killed in between.
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import { evaluate, threatModel } from '@revat/robustbench';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';

const [out] = process.argv.slice(2);
const SAMPLES = 24;
const FEATURES = 48;

/** Reproducible numbers in [0, 1). */
const numbers = (name, count) =>
  Float32Array.from(
    { length: count },
    (_, i) => createHash('sha256').update(`${name} ${i}`).digest()[0] / 256,
  );

await tf.setBackend('cpu');
const weight = tf.variable(tf.tensor2d(numbers('weight', FEATURES * 3), [FEATURES, 3]), true, undefined);
const classify = (images) =>
  tf.tidy(() => tf.matMul(tf.reshape(images, [-1, FEATURES]), tf.sub(weight, 0.5)));
const images = tf.tensor4d(
  numbers('images', SAMPLES * FEATURES).map((value) => 0.2 + 0.6 * value),
  [SAMPLES, 4, 4, 3],
);
const labels = await tf.argMax(classify(images), 1).array();
/** Lets the parent kill in the middle of any chunk. */
const slowly = {
  name: 'slow images',
  length: SAMPLES,
  classNames: ['a', 'b', 'c'],
  async sample(index) {
    await pause(2);
    const pixels = await tf.tidy(() => tf.slice(images, [index, 0, 0, 0], [1, 4, 4, 3])).data();
    return {
      pixels: Uint8Array.from(pixels, (v) => v * 255),
      width: 4,
      height: 4,
      label: labels[index],
      id: index,
    };
  },
};
await evaluate({
  model: { id: 'linear', classify, parameters: () => new Map([['weight', weight]]) },
  data: slowly,
  threatModels: [
    threatModel({ norm: 'Linf', eps: 0.05, protocol: 'apgd-ce' }),
    threatModel({ norm: 'L2', eps: 0.2, protocol: 'apgdt' }),
  ],
  out,
  batchSize: 3,
  onEvent: () => process.stdout.write('.'),
});
