import { randomStream } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';

import type { EvaluatedModel } from '../src/evaluated-model.js';
import type { ImagesInMemory } from '../src/evaluation-data.js';

const SIDE = 4;
const CLASSES = 4;

/** A linear classifier of 4x4x3 images and images of which it gets one in seven wrong: small enough for hundreds of runs. */
export function linearProblem(
  samples = 30,
  seed = 0,
): { model: EvaluatedModel; data: ImagesInMemory; dispose(): void } {
  const features = SIDE * SIDE * 3;
  const weights = randomStream(seed, 'weights').normals(features * CLASSES);
  const pixels = randomStream(0, 'images')
    .uniforms(samples * features)
    .map((value) => 0.2 + 0.6 * value);
  const variable = tf.variable(tf.tensor2d(weights, [features, CLASSES]), true, undefined);
  const images = tf.tensor4d(pixels, [samples, SIDE, SIDE, 3]);
  const classify = (batch: tf.Tensor4D) =>
    tf.tidy(() => tf.matMul<tf.Tensor2D>(tf.reshape(batch, [-1, features]), variable)); // [B, H*W*C]
  const logits = classify(images);
  const labels = tf.tidy(() => tf.argMax(logits, 1).dataSync());
  logits.dispose();
  return {
    model: { id: 'linear', label: 'Linear', classify, parameters: () => new Map([['weight', variable]]) },
    data: {
      name: 'random-images',
      images,
      labels: Array.from(labels, (label, i) => (i % 7 === 6 ? (label + 1) % CLASSES : label)),
      sampleIds: Array.from(labels, (_, i) => 100 + i),
      classNames: ['zero', 'one', 'two', 'three'],
    },
    dispose: () => {
      images.dispose();
      variable.dispose();
    },
  };
}
