import * as tf from '@tensorflow/tfjs-core';

import { PackedVariables, packRuns } from './packed-variables.js';
import type { TrainableModel } from './trainable-model.js';

/**
 * Exponential moving average of the weights (EMA): average <- d average + (1 - d) weights, after every update.
 * d = min(decay, (1 + t) / (10 + t)), so that short runs are not held back by their first weights
 * (TensorFlow's ExponentialMovingAverage; timm's ModelEmaV3 warms up likewise). Buffers are averaged, too.
 */
export class WeightAverage {
  private readonly decay: number;
  private readonly groups: { readonly weights: PackedVariables; readonly average: tf.Variable<tf.Rank.R1> }[];
  private updates = 0;

  /** Owns a vector as long as all weights together; `dispose()` frees it. */
  constructor(model: TrainableModel, decay: number) {
    this.decay = decay;
    const variables = [...model.parameters().values(), ...model.buffers().values()];
    this.groups = packRuns(variables.map((variable) => ({ variable }))).map((run) => {
      const weights = new PackedVariables(run.map(({ variable }) => variable));
      return { weights, average: tf.tidy(() => tf.variable(tf.clone(weights.values()), false)) };
    });
  }

  /** Takes the weights as they are now into the average. Reads nothing, leaves no tensors behind. */
  update(): void {
    const t = ++this.updates;
    tf.tidy(() => {
      const share = tf.scalar(1 - Math.min(this.decay, (1 + t) / (10 + t)));
      for (const { weights, average } of this.groups)
        average.assign(tf.add(average, tf.mul(share, tf.sub(weights.values(), average))));
    });
  }

  /** Exchanges the model's weights and their averages: call it before and after a use of the averaged model. */
  swap(): void {
    tf.tidy(() => {
      for (const { weights, average } of this.groups) {
        const values = tf.clone(weights.values());
        weights.assign(tf.clone(average));
        average.assign(values);
      }
    });
  }

  /** Names to averages for a checkpoint; they stay this object's. */
  state(): Map<string, tf.Variable> {
    return new Map(this.groups.map(({ average }, i) => [String(i), average]));
  }

  resumeAt(updates: number): void {
    this.updates = updates;
  }

  dispose(): void {
    for (const { average } of this.groups) average.dispose();
    this.groups.length = 0;
  }
}
