// AutoAttack on a tf.LayersModel, with nothing but @revat/attacks and a TensorFlow.js backend.
import '@tensorflow/tfjs-backend-cpu';

import { autoAttack, checkModel } from '@revat/attacks';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';

await tf.setBackend('cpu');

// Images of 8 x 8 pixels in [0, 1] with a bright bar at one of four places.
const count = 32;
const labels = Array.from({ length: count }, (_, i) => i % 4);
const noise = tf.randomUniform([count, 8, 8, 1], 0, 0.5, 'float32', 1);
const bars = tf.tensor4d(
  labels.flatMap((label) => Array.from({ length: 8 }, (_, column) => (column >> 1 === label ? 0.4 : 0))),
  [count, 1, 8, 1],
);
const images = tf.add(noise, bars);

const model = tfl.sequential({
  layers: [
    tfl.layers.conv2d({ inputShape: [8, 8, 1], filters: 8, kernelSize: 3, strides: 2, activation: 'relu' }),
    tfl.layers.flatten(),
    tfl.layers.dense({ units: 4 }), // logits: no softmax
  ],
});
model.compile({
  optimizer: tf.train.adam(0.02),
  loss: (y, logits) => tf.losses.softmaxCrossEntropy(y, logits),
});
const targets = tf.cast(tf.oneHot(tf.tensor1d(labels, 'int32'), 4), 'float32');
await model.fit(images, targets, { epochs: 30, verbose: 0 });

const { cleanAccuracy, findings } = await checkModel(model, images, labels);
console.log(
  `clean accuracy ${(100 * cleanAccuracy).toFixed(0)} %, ${findings.length} suspicious things about the model`,
);

const attack = autoAttack({ norm: 'Linf', eps: 0.15 });
const { adversarial, success, diagnostics } = await attack.run(model, images, labels, { seed: 0 });
for (const { attack: name, robustBefore, robustAfter } of diagnostics.stages) {
  console.log(`${name.padEnd(8)} ${robustBefore} -> ${robustAfter} robust images`);
}
const robust = success.filter((broken) => !broken).length;
console.log(`robust accuracy ${((100 * robust) / count).toFixed(0)} % within 0.15`);
tf.dispose(adversarial);
