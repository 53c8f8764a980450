require('@tensorflow/tfjs-backend-cpu');

const assert = require('node:assert/strict');
const tf = require('@tensorflow/tfjs-core');
const tfl = require('@tensorflow/tfjs-layers');

async function main() {
  const { autoAttack } = await import('@revat/attacks');
  await tf.setBackend('cpu');
  const model = tfl.sequential({
    layers: [tfl.layers.flatten({ inputShape: [4, 4, 1] }), tfl.layers.dense({ units: 5 })],
  });
  const images = tf.randomUniform([3, 4, 4, 1], 0, 1, 'float32', 1);
  const { adversarial, success } = await autoAttack({ norm: 'L2', eps: 0.5 }).run(model, images, [0, 1, 2], {
    seed: 0,
  });
  assert.deepEqual(adversarial.shape, [3, 4, 4, 1]);
  console.log(`CommonJS: ${success.reduce((sum, s) => sum + s, 0)} of 3 images fooled within 0.5`);
}

main();
