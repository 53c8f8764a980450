import * as tf from '@tensorflow/tfjs-core';

import type { TrainableModel } from './trainable-model.js';

/**
 * Exponential moving average of the weights (EMA): average <- d average + (1 - d) weights, after every update.
 * d = min(decay, (1 + t) / (10 + t)), so that short runs are not held back by their first weights
 * (TensorFlow's ExponentialMovingAverage; timm's ModelEmaV3 warms up likewise). Buffers are averaged, too.
 */
export class WeightAverage {
  private readonly decay: number;
  private readonly averages: Map<string, { source: tf.Variable; average: tf.Variable }>;
  private updates = 0;

  /** Owns one variable a weight; `dispose()` frees them. */
  constructor(model: TrainableModel, decay: number) {
    this.decay = decay;
    this.averages = new Map(
      [...model.parameters(), ...model.buffers()].map(([name, source]) => [
        name,
        { source, average: tf.tidy(() => tf.variable(tf.clone(source), false)) },
      ]),
    );
  }

  /** Takes the weights as they are now into the average. Reads nothing, leaves no tensors behind. */
  update(): void {
    const t = ++this.updates;
    tf.tidy(() => {
      const share = tf.scalar(1 - Math.min(this.decay, (1 + t) / (10 + t)));
      for (const { source, average } of this.averages.values())
        average.assign(tf.add(average, tf.mul(share, tf.sub(source, average))));
    });
  }

  /** Exchanges the model's weights and their averages: call it before and after a use of the averaged model. */
  swap(): void {
    tf.tidy(() => {
      for (const { source, average } of this.averages.values()) {
        const weights = tf.clone(source);
        source.assign(tf.clone(average));
        average.assign(weights);
      }
    });
  }

  /** Names to averages for a checkpoint; they stay this object's. */
  state(): Map<string, tf.Variable> {
    return new Map([...this.averages].map(([name, { average }]) => [name, average]));
  }

  resumeAt(updates: number): void {
    this.updates = updates;
  }

  dispose(): void {
    for (const { average } of this.averages.values()) average.dispose();
    this.averages.clear();
  }
}
