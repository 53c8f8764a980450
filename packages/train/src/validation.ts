import { apgd } from '@revat/attacks';
import { throwIfAborted, type NormName } from '@revat/core';
import { createLoader } from '@revat/data';
import * as tf from '@tensorflow/tfjs-core';

import type { RecipeData } from './recipe-data.js';
import { withMode, type TrainableModel } from './trainable-model.js';

/** Images kept in memory to measure a model on after every epoch. */
export interface ValidationSet {
  /** [N,S,S,3] float32 in [0,1]. */
  readonly images: Float32Array;
  readonly labels: Int32Array;
  readonly imageSize: number;
}

export interface ValidationAttack {
  readonly norm: NormName;
  readonly eps: number;
  readonly steps: number;
}

const BATCH = 100;

/** The first `count` images of a recipe's validation set, at the size the model sees. Throws as the loader. */
export async function readValidationSet(
  data: RecipeData,
  imageSize: number,
  count: number,
): Promise<ValidationSet> {
  const images: Float32Array[] = [];
  const labels: number[] = [];
  const loader = createLoader(data.validation, { batchSize: 1, imageSize, augmentation: data.transform });
  for await (const batch of loader.epoch(0)) {
    images.push(batch.images);
    labels.push(...batch.labels);
    if (labels.length === count) break;
  }
  const pixels = imageSize * imageSize * 3;
  const all = new Float32Array(labels.length * pixels);
  images.forEach((image, i) => all.set(image, i * pixels));
  return { images: all, labels: Int32Array.from(labels), imageSize };
}

/**
 * Accuracy on clean images and, with an attack, under a short APGD on the cross-entropy: an upper bound of the robust
 * accuracy, for curves. Leaves no tensors behind.
 */
export async function validate(
  model: TrainableModel,
  { images, labels, imageSize }: ValidationSet,
  attack?: ValidationAttack,
  signal?: AbortSignal,
): Promise<{ cleanAccuracy: number; robustAccuracy?: number }> {
  const pixels = imageSize * imageSize * 3;
  let right = 0;
  let robust = 0;
  for (let start = 0; start < labels.length; start += BATCH) {
    throwIfAborted(signal, 'validation');
    const batchLabels = labels.subarray(start, start + BATCH);
    const batch = tf.tensor4d(images.subarray(start * pixels, (start + batchLabels.length) * pixels), [
      batchLabels.length,
      imageSize,
      imageSize,
      3,
    ]);
    try {
      const predicted = await predictLabels(model, batch);
      right += predicted.filter((label, i) => label === batchLabels[i]).length;
      if (attack) robust += await countRobust(model, batch, batchLabels, attack, signal);
    } finally {
      batch.dispose();
    }
  }
  const cleanAccuracy = right / labels.length;
  return attack ? { cleanAccuracy, robustAccuracy: robust / labels.length } : { cleanAccuracy };
}

async function predictLabels(model: TrainableModel, images: tf.Tensor4D): Promise<Int32Array> {
  const labels = withMode(model, 'eval', () => tf.tidy(() => tf.argMax(model.classify(images), 1)));
  try {
    return (await labels.data()) as Int32Array;
  } finally {
    labels.dispose();
  }
}

async function countRobust(
  model: TrainableModel,
  images: tf.Tensor4D,
  labels: Int32Array,
  { norm, eps, steps }: ValidationAttack,
  signal?: AbortSignal,
): Promise<number> {
  const attack = apgd({ norm, eps, steps, loss: 'ce' });
  const { adversarial, success } = await attack.run(model.classify, images, labels, { signal });
  adversarial.dispose();
  return success.reduce((count, broken) => count + (broken ? 0 : 1), 0);
}
