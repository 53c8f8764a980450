/** A whole AutoAttack evaluation by @revat/attacks: the counterpart of ../torch/autoattack_run.py. */
import { autoAttack } from '@revat/attacks';
import { resetStats, stats, useBackend } from '@revat/backend';
import { readGoldenImages, readGoldenNetwork } from '@revat/testing';
import * as tf from '@tensorflow/tfjs-core';

import { createNetwork } from './networks.mjs';

/** Wall and CPU seconds of one standard evaluation, the number left robust, and where the time went. */
export async function run({ network, norm, eps, points, seed, threads, folder, imageSize }) {
  await useBackend('onnx', { threads });
  const { classify, images, labels } = prepare(network, points, folder, imageSize);
  resetStats();
  const start = performance.now();
  const cpuStart = process.cpuUsage();
  const { adversarial, success, diagnostics } = await autoAttack({ norm, eps }).run(
    classify,
    images,
    labels,
    {
      seed,
    },
  );
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpuStart);
  adversarial.dispose();
  const { runMs, compileMs, plans, fallbacks } = stats();
  return {
    seconds,
    cpuSeconds: (user + system) / 1e6,
    robust: success.filter((flag) => flag === 0).length,
    forwardImages: diagnostics.forwardImages,
    backwardImages: diagnostics.backwardImages,
    stages: Object.fromEntries(diagnostics.stages.map((stage) => [stage.attack, stage.seconds])),
    engineSeconds: runMs / 1000,
    compileSeconds: compileMs / 1000,
    plans,
    fallbacks,
  };
}

/** Network, images and labels: those of the golden cases, or random ones with the network's own predictions. */
function prepare(network, points, folder, imageSize) {
  if (network === 'A1' || network === 'A2') {
    const { images, labels } = readGoldenImages(
      folder,
      Array.from({ length: points }, (_, i) => i),
    );
    const batch = tf.stack(images.map((image) => tf.tensor3d(image, [16, 16, 3])));
    return { classify: readGoldenNetwork(folder, network).classify, images: batch, labels };
  }
  const { classify } = createNetwork(network, imageSize);
  const images = tf.randomUniform([points, imageSize, imageSize, 3]);
  const labels = tf.tidy(() => tf.argMax(classify(images), 1).dataSync());
  return { classify, images, labels };
}
