import { classesByLogit, lossValue, predictedClass, RevatError, type RandomStream } from '@revat/core';
import type { Tensor4D } from '@tensorflow/tfjs-core';

import type { Labels } from './attack.js';
import type { ModelEvaluator } from './model-evaluator.js';
import { runPrograms, type ProgramHooks, type SampleProgram } from './sample-program.js';

/** One sample of a run, on the host. Attacks read it and change nothing. */
export interface Sample {
  /** Position in the batch given to `run`. */
  readonly index: number;
  readonly sampleId: number;
  /** The clean image, [H,W,C]. */
  readonly image: Float32Array;
  readonly label: number;
  /** Soft labels or one-hot, [K]: the `label` of queries with loss 'ce'. */
  readonly distribution: Float32Array;
  /** [K]: the label of all other losses. */
  readonly oneHot: Float32Array;
  /** [K]: logits of the clean image. */
  readonly cleanLogits: Float32Array;
}

/** A source of random numbers for one purpose. */
export type Stream = Pick<RandomStream, keyof RandomStream>;

/** Images and labels of a run, checked, on the host. */
export interface BatchInput {
  readonly pixels: Float32Array;
  readonly imageShape: readonly [number, number, number];
  readonly count: number;
  readonly labels: Int32Array;
  /** [count, K] */
  readonly softLabels: Float32Array | null;
  readonly sampleIds: readonly number[];
}

/** Reads and checks what `run` was given. Throws 'invalid-argument' or 'mismatch'. */
export async function readBatch(
  name: string,
  images: Tensor4D,
  labels: Labels,
  sampleIds: ArrayLike<number> | undefined,
): Promise<BatchInput> {
  const invalid = (message: string) => new RevatError('invalid-argument', `${name}: ${message}`);
  if (images?.rank !== 4 || images.size === 0) {
    throw invalid(
      `images must be a tensor [B,H,W,C] with B > 0, got [${images?.shape?.join(',') ?? String(images)}].`,
    );
  }
  const [count, height, width, channels] = images.shape;
  const pixels = Float32Array.from(await images.data());
  const outside = pixels.find((value) => !(value >= 0 && value <= 1));
  if (outside !== undefined) {
    throw invalid(
      `images must lie in [0, 1], found ${outside}. Scale them (divide bytes by 255) and put the model's own range and ` +
        'normalisation into adaptModel({ inputRange, preprocess }).',
    );
  }
  const { classes, softLabels } = await readLabels(labels);
  if (classes.length !== count) {
    throw new RevatError('mismatch', `${name}: ${count} images but ${classes.length} labels.`);
  }
  const ids = sampleIds ? Array.from(sampleIds) : Array.from(classes, (_, i) => i);
  if (ids.length !== count)
    throw new RevatError('mismatch', `${name}: ${count} images but ${ids.length} sampleIds.`);
  if (!ids.every(Number.isSafeInteger)) throw invalid('sampleIds must be whole numbers.');
  return {
    pixels,
    imageShape: [height, width, channels],
    count,
    labels: classes,
    softLabels,
    sampleIds: ids,
  };
}

async function readLabels(labels: Labels): Promise<{ classes: Int32Array; softLabels: Float32Array | null }> {
  if (!('rank' in labels)) return { classes: Int32Array.from(labels), softLabels: null };
  const values = await labels.data();
  if (labels.rank !== 2) return { classes: Int32Array.from(values), softLabels: null };
  const softLabels = Float32Array.from(values);
  const [count, numClasses] = labels.shape as [number, number];
  const classes = Int32Array.from({ length: count }, (_, i) =>
    predictedClass(softLabels.subarray(i * numClasses, (i + 1) * numClasses)),
  );
  return { classes, softLabels };
}

/** The samples of a run with the model's logits on the clean images. Throws 'invalid-argument' for labels out of range. */
export async function makeSamples(
  evaluator: ModelEvaluator,
  input: BatchInput,
  hooks: ProgramHooks,
): Promise<Sample[]> {
  const size = input.pixels.length / input.count;
  const image = (index: number) => input.pixels.subarray(index * size, (index + 1) * size);
  const clean = await runPrograms(evaluator, input.count, (index) => predict(image(index)), hooks);
  const numClasses = clean[0].logits.length;
  return clean.map(({ logits }, index) => {
    const label = input.labels[index];
    if (label < 0 || label >= numClasses) {
      throw new RevatError(
        'invalid-argument',
        `${hooks.name}: label ${label} of image ${index} is not one of the model's ${numClasses} classes, 0 to ${numClasses - 1}.`,
      );
    }
    const labelRow = oneHot(label, numClasses);
    if (input.softLabels && input.softLabels.length !== input.count * numClasses) {
      throw new RevatError('mismatch', `${hooks.name}: soft labels must be [${input.count},${numClasses}].`);
    }
    return {
      index,
      sampleId: input.sampleIds[index],
      image: image(index),
      label,
      distribution: input.softLabels?.subarray(index * numClasses, (index + 1) * numClasses) ?? labelRow,
      oneHot: labelRow,
      cleanLogits: logits,
    };
  });
}

/** Asks for the logits of one image. */
export function* predict(image: Float32Array): SampleProgram {
  const { logits } = yield { image, loss: null };
  return { success: false, image, logits };
}

export function oneHot(index: number, length: number): Float32Array {
  const row = new Float32Array(length);
  row[index] = 1;
  return row;
}

/** Whether the model gives the sample's label. */
export function isCorrect(sample: Pick<Sample, 'label'>, logits: ArrayLike<number>): boolean {
  return predictedClass(logits) === sample.label;
}

/** The classes to aim at, most likely first by the clean logits: ranks 2 to count + 1, as in the reference. */
export function targetClasses({ cleanLogits }: Pick<Sample, 'cleanLogits'>, count: number): number[] {
  return classesByLogit(cleanLogits).slice(1, count + 1);
}

export function crossEntropyAt({ label }: Pick<Sample, 'label'>, logits: ArrayLike<number>): number {
  return lossValue('ce', logits, label);
}
