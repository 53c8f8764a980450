// Leaves the process, as a handler of Ctrl-C does, while the engine's thread computes.
import { useBackend } from '@revat/backend';
import * as tf from '@tensorflow/tfjs-core';

await useBackend('onnx', { offThread: true });
const matrix = tf.fill([1000, 1000], 1 / 1000);
const power = tf.tidy(() => {
  let product = matrix;
  for (let i = 0; i < 50; i++) product = tf.matMul(product, matrix);
  return product;
});
setTimeout(() => process.exit(130), 50);
await power.data();
console.log('computed');
