import { apgd } from '@revat/attacks';
import { throwIfAborted, type NormName } from '@revat/core';
import type { ImageDataset } from '@revat/data';
import * as tf from '@tensorflow/tfjs-core';

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

/** The first `count` images of a data set whose images have the wanted size. */
export async function readValidationSet(dataset: ImageDataset, count: number): Promise<ValidationSet> {
  const length = Math.min(count, dataset.length);
  const labels = new Int32Array(length);
  let images = new Float32Array(0);
  let imageSize = 0;
  for (let i = 0; i < length; i++) {
    const { pixels, width, label } = await dataset.sample(i);
    if (i === 0) {
      imageSize = width;
      images = new Float32Array(length * pixels.length);
    }
    for (let j = 0; j < pixels.length; j++) images[i * pixels.length + j] = pixels[j] / 255;
    labels[i] = label;
  }
  return { images, labels, imageSize };
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
