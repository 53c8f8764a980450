import type { Classifier } from '@revat/core';
import type { Variable } from '@tensorflow/tfjs-core';

/** What the training loop needs of a model; every model of @revat/models is one, and so can be a user's own. */
export interface TrainableModel {
  /** Logits of images in [0, 1]; obeys `mode` (batch statistics, stochastic depth). */
  readonly classify: Classifier;
  /** Trainable variables by name. */
  parameters(): ReadonlyMap<string, Variable>;
  /** Variables that training updates without gradients (batch-norm statistics). */
  buffers(): ReadonlyMap<string, Variable>;
  mode: 'train' | 'eval';
}

/** Runs `work` with the model in that mode and puts the mode back, whatever happens. */
export function withMode<T>(model: TrainableModel, mode: 'train' | 'eval', work: () => T): T {
  const before = model.mode;
  model.mode = mode;
  try {
    return work();
  } finally {
    model.mode = before;
  }
}
