import type { Classifier } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';

import type { AdamW } from './adamw.js';
import { withMode, type TrainableModel } from './trainable-model.js';
import type { WeightAverage } from './weight-average.js';

/** Makes the images of a step adversarial; records operations only, so that attack and update are one compiled graph. */
export type Perturb = (
  model: Classifier,
  images: tf.Tensor4D,
  targets: tf.Tensor2D,
  eps: number,
) => tf.Tensor4D;

export interface TrainStepInput {
  /** [B,H,W,C] float32. */
  readonly images: tf.Tensor4D;
  /** [B,K] float32 soft targets, rows sum to 1. */
  readonly targets: tf.Tensor2D;
  readonly learningRate: number;
  /** Radius of the attack; ignored in clean training. */
  readonly eps: number;
}

/**
 * One update of the weights: min over weights of the loss at the (adversarial) images, equation (2) of the paper. The
 * network is in eval mode during the attack and in train mode for the update, as in the paper's code.
 * Returns a float32 [2] tensor, mean loss and number of right predictions, for the caller to read and dispose.
 */
export function trainStep(
  model: TrainableModel,
  optimizer: AdamW,
  input: TrainStepInput,
  { perturb, average }: { perturb?: Perturb; average?: WeightAverage },
): tf.Tensor1D {
  return tf.tidy(() => {
    const { targets } = input;
    const images = perturb
      ? withMode(model, 'eval', () => perturb(model.classify, input.images, targets, input.eps))
      : input.images;
    let correct: tf.Scalar | undefined;
    const { value: loss, grads } = withMode(model, 'train', () =>
      tf.variableGrads(() => {
        const logits = model.classify(images);
        const hits = tf.equal(tf.argMax(logits, 1), tf.argMax(targets, 1));
        correct = tf.keep(tf.sum(tf.cast(hits, 'float32')));
        return tf.neg(tf.mean(tf.sum(tf.mul(targets, tf.logSoftmax(logits)), 1)));
      }, [...model.parameters().values()]),
    );
    // variableGrads names gradients after the variables; the optimiser knows them by their place in the model.
    const gradients = Object.fromEntries(
      [...model.parameters()].map(([name, parameter]) => [name, grads[parameter.name]]),
    );
    optimizer.update(gradients, input.learningRate);
    average?.update();
    const result = tf.stack([loss, correct!]) as tf.Tensor1D;
    correct!.dispose();
    return result;
  });
}

/** [B,K] float32 targets from class indices with label smoothing s: s/K everywhere, 1 - s + s/K at the label. */
export function smoothTargets(labels: ArrayLike<number>, classes: number, smoothing: number): Float32Array {
  const targets = new Float32Array(labels.length * classes).fill(smoothing / classes);
  for (let i = 0; i < labels.length; i++)
    targets[i * classes + labels[i]] = 1 - smoothing + smoothing / classes;
  return targets;
}
