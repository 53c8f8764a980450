import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import {
  fromTorch,
  loadWeights,
  readSafetensors,
  toFloat32,
  type Model,
  type NamedTensor,
} from '../src/index.js';
import { goldenModel } from './golden-models.js';

const FOLDER = join(__dirname, 'fixtures', 'goldens');

interface Manifest {
  readonly features: readonly { tensor: string; layout: string; module: string }[];
  readonly param_grad_l2_order: readonly string[];
  readonly full_gradients: readonly string[];
  readonly train_mode: string | null;
}

/** A golden network with its weights, and the recorded arrays. */
export interface GoldenCase {
  readonly model: Model;
  readonly manifest: Manifest;
  readonly recorded: ReadonlyMap<string, NamedTensor>;
  readonly images: tf.Tensor4D;
  readonly labels: tf.Tensor1D;
  dispose(): void;
}

export async function openGolden(name: string): Promise<GoldenCase> {
  const manifest = JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as Manifest;
  const { tensors } = await readSafetensors(join(FOLDER, `${name}.io.safetensors`));
  const model = goldenModel(name);
  await loadWeights(model, join(FOLDER, `${name}.weights.safetensors`));
  const images = fromChannelsFirst(tensors.get('input') as NamedTensor);
  const labels = tf.tensor1d([...toFloat32(tensors.get('labels') as NamedTensor)], 'int32');
  return {
    model,
    manifest,
    recorded: tensors,
    images,
    labels,
    dispose: () => {
      tf.dispose([images, labels]);
      model.dispose();
    },
  };
}

/** Recorded values as numbers. */
export function recordedValues(golden: GoldenCase, name: string): Float32Array {
  const tensor = golden.recorded.get(name);
  if (!tensor) throw new Error(`the golden records no ${name}`);
  return toFloat32(tensor);
}

/** A recorded feature in the order of our tensors: NCHW becomes NHWC, all else stays. */
export function recordedFeature(golden: GoldenCase, tensor: string): Float32Array {
  const entry = golden.manifest.features.find((feature) => feature.tensor === tensor);
  const recorded = golden.recorded.get(tensor) as NamedTensor;
  const channelsFirst = recorded.shape.length === 4 && !entry?.layout.startsWith('NHWC');
  return channelsFirst
    ? tf.tidy(() => fromChannelsFirst(recorded).dataSync<'float32'>())
    : toFloat32(recorded);
}

/** The recorded gradient of a parameter, in our layout. */
export function recordedGradient(golden: GoldenCase, parameter: string): Float32Array {
  const spec = golden.model.specs.find(({ name }) => name === parameter);
  if (!spec) throw new Error(`no parameter ${parameter}`);
  return fromTorch(recordedValues(golden, `grad.${parameter}`), spec.shape, spec.layout);
}

/** The recorded gradient of the images, NHWC. */
export function recordedInputGradient(golden: GoldenCase): Float32Array {
  return tf.tidy(() =>
    fromChannelsFirst(golden.recorded.get('grad_input') as NamedTensor).dataSync<'float32'>(),
  );
}

/** Sum over the batch of the cross-entropy, as recorded. */
export function summedCrossEntropy(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Scalar {
  const oneHot = tf.oneHot(labels, logits.shape[1]);
  return tf.neg(tf.sum(tf.mul(oneHot, tf.logSoftmax(logits))));
}

function fromChannelsFirst(tensor: NamedTensor): tf.Tensor4D {
  return tf.tidy(() => {
    const channelsFirst = tf.tensor4d(toFloat32(tensor), tensor.shape as [number, number, number, number]);
    return tf.transpose(channelsFirst, [0, 2, 3, 1]);
  });
}

/** Largest of |actual - expected| / (absolute + relative |expected|): at most 1 if all are within the tolerance. */
export function worstExcess(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  absolute: number,
  relative: number,
): number {
  if (actual.length !== expected.length)
    throw new Error(`${actual.length} values, expected ${expected.length}`);
  let worst = 0;
  for (let i = 0; i < actual.length; i++) {
    const excess = Math.abs(actual[i] - expected[i]) / (absolute + relative * Math.abs(expected[i]));
    if (!(excess <= worst)) worst = Number.isNaN(excess) ? Infinity : excess;
  }
  return worst;
}

/** Largest difference over the largest expected magnitude, and the relative difference in L2. */
export function relativeErrors(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
): { max: number; l2: number } {
  if (actual.length !== expected.length)
    throw new Error(`${actual.length} values, expected ${expected.length}`);
  let [difference, magnitude, differenceSquares, squares] = [0, 0, 0, 0];
  for (let i = 0; i < actual.length; i++) {
    const d = Math.abs(actual[i] - expected[i]);
    difference = d <= difference ? difference : d;
    magnitude = Math.max(magnitude, Math.abs(expected[i]));
    differenceSquares += d * d;
    squares += expected[i] ** 2;
  }
  return { max: difference / magnitude, l2: Math.sqrt(differenceSquares / squares) };
}
