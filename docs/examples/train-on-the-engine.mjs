// A gradient step of a small convolutional network, at native speed, with any TensorFlow.js code.
import * as tf from '@tensorflow/tfjs-core';

import { stats, useBackend } from '@revat/backend';
import { gelu } from '@revat/core';

await useBackend('onnx');

const filter = tf.variable(tf.randomNormal([3, 3, 3, 32], 0, 0.2, 'float32', 1));
const head = tf.variable(tf.randomNormal([32, 10], 0, 0.2, 'float32', 2));
const optimizer = tf.train.adam(0.01);

const images = tf.randomUniform([64, 32, 32, 3], 0, 1, 'float32', 3);
const digits = Array.from({ length: 64 }, (_, i) => i % 10);
const labels = tf.oneHot(tf.tensor1d(digits, 'int32'), 10);

const logits = (x) => tf.matMul(tf.mean(gelu(tf.conv2d(x, filter, 2, 'same')), [1, 2]), head);
const loss = () => tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits(images)), labels), -1)));

for (let step = 0; step < 20; step++) {
  const cost = optimizer.minimize(loss, true);
  if (step % 5 === 0) console.log(`step ${step}: loss ${(await cost.data())[0].toFixed(4)}`);
  cost.dispose();
}

const { compiles, runs, fallbacks } = stats();
console.log(`${runs} runs of ${compiles} compiled graphs; fallbacks: ${JSON.stringify(fallbacks)}`);
