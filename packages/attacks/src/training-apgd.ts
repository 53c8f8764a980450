import { crossEntropy, lengthPerImage, projectBatch, type Classifier, type Targets } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';

import {
  integerOption,
  normOption,
  numberOption,
  radiusOption,
  resolveOptions,
  type GivenOptions,
  type ResolvedOptions,
} from './option-schema.js';

/**
 * APGD for adversarial training, as in the paper of this repository (Singh, Croce and Hein, NeurIPS 2023): from the clean
 * image, on cross-entropy with labels or soft targets, N + 1 forward and N backward passes, and the point of highest loss is
 * the result. Everything is recorded as tensor operations and nothing is read, so that a lazy engine makes one graph of
 * attack and training step. The network must be in evaluation mode, as in the paper. The step-size rules are those of
 * `apgdRun`; all decisions are per image, here as masks.
 */
const schema = {
  norm: normOption(),
  eps: radiusOption(),
  steps: integerOption('steps, 2 in the paper', 2),
  firstSparsity: numberOption(
    'L1: share of the entries that the first steps change; 0.2 in an attack',
    0.05,
    { max: 1 },
  ),
};

export interface TrainingApgd {
  readonly options: ResolvedOptions<typeof schema>;
  /**
   * Adversarial images for a batch. images: float32 [B,H,W,C] in [0,1]; targets: classes int32 [B] or distributions float32
   * [B,K]. Returns float32 [B,H,W,C] in the ball and the box, which the caller disposes; reads nothing.
   */
  perturb(model: Classifier, images: tf.Tensor4D, targets: Targets): tf.Tensor4D;
}

/** `trainingApgd({ norm: 'Linf', eps: '4/255', steps: 2 })` */
export function trainingApgd(given: GivenOptions<typeof schema>): TrainingApgd {
  const options = resolveOptions('training-apgd', schema, given);
  const perturb = (model: Classifier, images: tf.Tensor4D, targets: Targets): tf.Tensor4D =>
    tf.tidy(() => climb(options, model, images, targets));
  return Object.freeze({ options, perturb });
}

type Options = ResolvedOptions<typeof schema>;

/** Losses [B] and, unless it is the last point, their gradient [B,H,W,C]. */
interface Slope {
  readonly loss: tf.Tensor;
  readonly gradient: tf.Tensor4D | null;
}

const MOMENTUM = 0.75;

function climb(options: Options, model: Classifier, images: tf.Tensor4D, targets: Targets): tf.Tensor4D {
  const { norm, eps, steps } = options;
  const project = (points: tf.Tensor4D) => projectBatch(norm, images, points, eps);
  const schedule =
    norm === 'L1' ? sparsitySchedule(images, options) : stepSizeSchedule(images.shape[0], options);
  let current = images;
  let previous = images;
  let { loss, gradient } = slopeAt(model, images, targets, true);
  let best = { image: images, loss, gradient };

  for (let step = 1; step <= steps; step++) {
    let next = project(tf.add(current, tf.mul(schedule.stepSize(), schedule.direction(gradient!))));
    if (step > 1 && norm !== 'L1') {
      const towards = tf.mul(tf.sub(next, current), MOMENTUM);
      const onwards = tf.mul(tf.sub(current, previous), 1 - MOMENTUM);
      next = project(tf.add(tf.add(current, towards), onwards));
    }
    previous = current;
    current = next;
    const last = step === steps;
    ({ loss, gradient } = slopeAt(model, current, targets, !last));
    const improved = tf.greater(loss, best.loss);
    best = {
      image: choose(improved, current, best.image),
      loss: tf.maximum(loss, best.loss),
      gradient: gradient && choose(improved, gradient, best.gradient!),
    };
    if (last) break;
    const restart = schedule.after(step, loss, best.loss, best.image);
    if (!restart) continue;
    current = choose(restart, best.image, current);
    gradient = choose(restart, best.gradient!, gradient!);
  }
  return best.image;
}

/** The per-image losses of cross-entropy, and the gradient of their sum. */
function slopeAt(model: Classifier, images: tf.Tensor4D, targets: Targets, withGradient: boolean): Slope {
  const losses = (points: tf.Tensor) => crossEntropy(model(points as tf.Tensor4D), targets);
  if (!withGradient) return { loss: losses(images), gradient: null };
  const { value, grad } = tf.valueAndGrad(losses)(images, tf.ones([images.shape[0]]));
  return { loss: value, gradient: grad as tf.Tensor4D };
}

/** Per image, a where the mask [B] is true, else b. */
function choose(mask: tf.Tensor, a: tf.Tensor4D, b: tf.Tensor4D): tf.Tensor4D {
  return tf.where(tf.reshape(mask, [-1, 1, 1, 1]), a, b); // [B] -> [B,1,1,1]
}

interface Schedule {
  /** [B,1,1,1] */
  stepSize(): tf.Tensor;
  direction(gradient: tf.Tensor4D): tf.Tensor4D;
  /** After a step that is not the last: which images [B] go back to their best point; null: none. */
  after(step: number, loss: tf.Tensor, bestLoss: tf.Tensor, best: tf.Tensor4D): tf.Tensor | null;
}

/** Fraction of the last steps that must have increased the loss. */
const PROGRESS = 0.75;

/** See `stepSizeSchedule` in apgd-schedule.ts, the comparison of the first loss with 0 included. */
function stepSizeSchedule(batch: number, { norm, eps, steps }: Options): Schedule {
  const shrink = Math.max(Math.floor(0.03 * steps), 1);
  const shortest = Math.max(Math.floor(0.06 * steps), 1);
  let interval = Math.max(Math.floor(0.22 * steps), 1);
  let size: tf.Tensor = tf.fill([batch, 1, 1, 1], 2 * eps);
  let previousLoss: tf.Tensor = tf.zeros([batch]);
  let increases: tf.Tensor = tf.zeros([batch]);
  let sinceCheck = 0;
  let lastCheck: { readonly reduced: tf.Tensor; readonly bestLoss: tf.Tensor } | null = null;
  return {
    stepSize: () => size,
    direction: (gradient) =>
      norm === 'Linf' ? tf.sign(gradient) : tf.div(gradient, tf.add(lengthPerImage(gradient), 1e-12)),
    after(_step, loss, bestLoss) {
      increases = tf.add(increases, tf.cast(tf.greater(loss, previousLoss), 'float32'));
      previousLoss = loss;
      if (++sinceCheck < interval) return null;
      let reduce: tf.Tensor = tf.lessEqual(increases, PROGRESS * interval);
      if (lastCheck) {
        const stalled = tf.logicalAnd(
          tf.logicalNot(lastCheck.reduced),
          tf.greaterEqual(lastCheck.bestLoss, bestLoss),
        );
        reduce = tf.logicalOr(reduce, stalled);
      }
      lastCheck = { reduced: reduce, bestLoss };
      size = tf.where(tf.reshape(reduce, [-1, 1, 1, 1]), tf.mul(size, 0.5), size); // [B] -> [B,1,1,1]
      interval = Math.max(interval - shrink, shortest);
      sinceCheck = 0;
      increases = tf.zerosLike(increases);
      return reduce;
    },
  };
}

const SUPPORT_SHRINKS = 0.95;
const SPARSITY_DIVISOR = 1.5;
const STEP_DIVISOR = 1.5;
const LARGEST_TO_SMALLEST_STEP = 10;

/** See `sparsitySchedule` in apgd-schedule.ts. */
function sparsitySchedule(images: tf.Tensor4D, { eps, steps, firstSparsity }: Options): Schedule {
  const [batch, height, width, channels] = images.shape;
  const pixels = height * width * channels;
  const interval = Math.max(Math.floor(0.04 * steps), 1);
  let size: tf.Tensor = tf.fill([batch, 1, 1, 1], eps);
  let sparsity: tf.Tensor = tf.fill([batch, 1], firstSparsity);
  let support: tf.Tensor = tf.fill([batch], pixels);
  return {
    stepSize: () => size,
    direction: (gradient) => sparseSigns(gradient, sparsity, pixels),
    after(step, _loss, _bestLoss, best) {
      if (step % interval !== 0) return null;
      const changed = tf.sum(tf.cast(tf.notEqual(tf.sub(best, images), 0), 'float32'), [1, 2, 3]); // [B]
      const shrank = tf.less(tf.div(changed, support), SUPPORT_SHRINKS);
      const wanted = tf.where(
        tf.reshape(shrank, [-1, 1, 1, 1]),
        tf.fill(size.shape, eps),
        tf.div(size, STEP_DIVISOR),
      ); // [B] -> [B,1,1,1]
      size = tf.minimum(tf.maximum(wanted, eps / LARGEST_TO_SMALLEST_STEP), eps);
      sparsity = tf.reshape(tf.div(tf.div(changed, pixels), SPARSITY_DIVISOR), [batch, 1]);
      support = changed;
      return shrank;
    },
  };
}

/** The signs of the largest fraction `sparsity` [B,1] of each gradient's entries, over their number. */
function sparseSigns(gradient: tf.Tensor4D, sparsity: tf.Tensor, pixels: number): tf.Tensor4D {
  const sizes = tf.reshape(tf.abs(gradient), [gradient.shape[0], pixels]); // [B,H,W,C] -> [B,D]
  const descending = tf.topk(sizes, pixels).values;
  const rank = tf.clipByValue(tf.floor(tf.mul(tf.sub(1, sparsity), pixels)), 0, pixels - 1); // ascending, [B,1]
  const position = tf.sub(pixels - 1, rank);
  const at = tf.cast(tf.equal(tf.reshape(tf.range(0, pixels), [1, pixels]), position), 'float32');
  const threshold = tf.reshape(tf.sum(tf.mul(descending, at), 1), [-1, 1, 1, 1]); // [B] -> [B,1,1,1]
  const kept = tf.mul(tf.sign(gradient), tf.cast(tf.greaterEqual(tf.abs(gradient), threshold), 'float32'));
  return tf.div(kept, tf.add(tf.sum(tf.abs(kept), [1, 2, 3], true), 1e-10));
}
