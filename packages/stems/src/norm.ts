import { RevatError, layerNorm as normaliseChannels } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';
import { ONES, ZEROS, type InitialValues } from './initial-values.js';
import { sizeOf } from './parameter.js';
import type { Layer } from './layer.js';
import type { Scope } from './scope.js';

export interface LayerNormOptions {
  readonly channels: number;
  /** 1e-6 in ConvNeXt, ViT, XCiT and InternImage, 1e-5 in Swin. */
  readonly epsilon: number;
  /** False where PyTorch composes the norm of mean and sqrt (inside the ConvStem): fvcore does not see it there. */
  readonly counted?: boolean;
}

/** Layer normalisation of the channel axis, the last one, of maps, tokens or vectors; fvcore counts 5 an element. */
export function layerNorm<T extends tf.Tensor = tf.Tensor4D>(
  scope: Scope,
  { channels, epsilon, counted = true }: LayerNormOptions,
): Layer<T> {
  const gamma = scope.declare<tf.Tensor1D>('weight', [channels], ONES);
  const beta = scope.declare<tf.Tensor1D>('bias', [channels], ZEROS);
  return {
    forward: (x) => normaliseChannels(x, gamma(), beta(), epsilon),
    cost(shape, meter) {
      if (counted) meter.add(scope.path, 'layer_norm', 5 * sizeOf(shape));
      return shape;
    },
  };
}

/** PyTorch's defaults, which every network here keeps. */
const BATCH_NORM_EPSILON = 1e-5;
const BATCH_NORM_MOMENTUM = 0.1;

/**
 * Batch normalisation, `nn.BatchNorm2d` under `scope` (Ioffe and Szegedy 2015, algorithm 1): [B, H, W, C] -> the same.
 * Evaluation normalises with the running statistics. Training normalises with the batch's mean and biased variance and
 * moves the running statistics by a tenth, the variance with the unbiased one. fvcore counts 2 an element.
 */
export function batchNorm(scope: Scope, channels: number, weightInitial: InitialValues = ONES): Layer {
  const gamma = scope.declare<tf.Tensor1D>('weight', [channels], weightInitial);
  const beta = scope.declare<tf.Tensor1D>('bias', [channels], ZEROS);
  const runningMean = scope.declareBuffer('running_mean', [channels], ZEROS);
  const runningVariance = scope.declareBuffer('running_var', [channels], ONES);
  const batches = scope.declareBuffer('num_batches_tracked', [], ZEROS, 'int64');

  const updateStatistics = (mean: tf.Tensor1D, variance: tf.Tensor1D, count: number) => {
    const moved = (running: tf.Tensor, batch: tf.Tensor) =>
      tf.add(tf.mul(running, 1 - BATCH_NORM_MOMENTUM), tf.mul(batch, BATCH_NORM_MOMENTUM));
    const unbiased = tf.mul(variance, count / (count - 1));
    runningMean.assign(moved(runningMean.read(), mean));
    runningVariance.assign(moved(runningVariance.read(), unbiased));
    batches.assign(tf.add(batches.read(), 1));
  };

  return {
    forward(x, pass) {
      if (!pass.training) return normalise(x, runningMean.read(), runningVariance.read(), gamma(), beta());
      const count = sizeOf(x.shape) / channels;
      if (count < 2) throw tooFewValues(scope.path, x.shape);
      const mean = tf.mean<tf.Tensor1D>(x, [0, 1, 2]);
      const centred = tf.sub(x, mean);
      const variance = tf.mean<tf.Tensor1D>(tf.square(centred), [0, 1, 2]);
      updateStatistics(mean, variance, count);
      const scale = tf.mul(gamma(), tf.rsqrt(tf.add(variance, BATCH_NORM_EPSILON)));
      return tf.add(tf.mul(centred, scale), beta());
    },
    cost(shape, meter) {
      meter.add(scope.path, 'batch_norm', 2 * sizeOf(shape));
      return shape;
    },
  };
}

/** gamma (x - mean) / sqrt(variance + eps) + beta as one scale and one shift of the map. */
function normalise(
  x: tf.Tensor4D,
  mean: tf.Tensor1D,
  variance: tf.Tensor1D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
): tf.Tensor4D {
  const scale = tf.mul(gamma, tf.rsqrt(tf.add(variance, BATCH_NORM_EPSILON)));
  return tf.add(tf.mul(x, scale), tf.sub(beta, tf.mul(mean, scale)));
}

function tooFewValues(path: string, shape: readonly number[]): RevatError {
  return new RevatError(
    'invalid-argument',
    `batch norm ${path}: training needs more than one value a channel, got [${shape.join(', ')}]. Use a larger batch.`,
  );
}
