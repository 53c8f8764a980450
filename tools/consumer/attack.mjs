import '@tensorflow/tfjs-backend-cpu';

import assert from 'node:assert/strict';
import { autoAttack } from '@revat/attacks';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';

await tf.setBackend('cpu');
const model = tfl.sequential({
  layers: [
    tfl.layers.conv2d({ inputShape: [8, 8, 3], filters: 4, kernelSize: 3, activation: 'relu' }),
    tfl.layers.flatten(),
    tfl.layers.dense({ units: 10 }),
  ],
});
const images = tf.randomUniform([4, 8, 8, 3], 0, 1, 'float32', 1);
const labels = tf.tidy(() => tf.argMax(model.predict(images), 1).dataSync());
const attack = autoAttack({ norm: 'Linf', eps: 8 / 255 });
const { adversarial, success } = await attack.run(model, images, labels, { seed: 0 });
assert.deepEqual(adversarial.shape, [4, 8, 8, 3]);
assert.equal(success.length, 4);
const relabelled = tf.tidy(() => tf.argMax(model.predict(adversarial), 1).dataSync());
for (let i = 0; i < 4; i++) assert.equal(success[i] === 1, relabelled[i] !== labels[i]);
const distance = tf.tidy(() => tf.max(tf.abs(tf.sub(adversarial, images))).dataSync()[0]);
assert.ok(distance <= 8 / 255 + 1e-6, `distance ${distance}`);
console.log(`ES module: ${success.reduce((sum, s) => sum + s, 0)} of 4 images fooled within 8/255`);
