import { isRevatError } from '@revat/core';
import type * as tf from '@tensorflow/tfjs-core';

import type { AttackRunOptions, Labels } from './attack.js';
import { gradientAt, untargeted } from './ascent.js';
import { startRun, type AttackRun } from './define-attack.js';
import { reportOnce, type Finding } from './finding.js';
import { adaptModel, type AdaptOptions, type Model } from './model-adapter.js';
import { ModelEvaluator, type Answer, type Query } from './model-evaluator.js';
import * as symptom from './model-symptoms.js';
import { runPrograms, type SampleProgram } from './sample-program.js';
import { isCorrect, predict, type Sample } from './sample.js';

/**
 * The model doctor: looks for what makes an evaluation meaningless or too optimistic, before an attack is run. The checks for
 * randomness, probabilities and zero gradients follow AutoAttack; the others are this package's own.
 */
export interface ModelReport {
  readonly findings: readonly Finding[];
  readonly numClasses: number;
  /** Of the images given. */
  readonly cleanAccuracy: number;
  readonly forwardImages: number;
  readonly backwardImages: number;
}

/** Examines a model on a few images with their labels. Arguments and errors as for `Attack.run`. */
export async function checkModel(
  model: Model,
  images: tf.Tensor4D,
  labels: Labels,
  options: Pick<AttackRunOptions, 'signal' | 'batchSize'> = {},
): Promise<ModelReport> {
  const run = await startRun('check-model', model, images, labels, options);
  await inspectModel(run, options);
  return {
    findings: run.findings,
    numClasses: run.samples[0].cleanLogits.length,
    cleanAccuracy: cleanAccuracy(run.samples),
    forwardImages: run.evaluator.forwardImages,
    backwardImages: run.evaluator.backwardImages,
  };
}

/** The most images that the checks look at; together they cost at most 7 forward passes of each. */
const IMAGES = 64;
const GRADIENT_IMAGES = 32;
/** Differences of logits below this, relative to the largest logit, are rounding. */
const ROUNDING = 1e-4;

/** Adds to the findings of a run what the model's behaviour on its clean images shows. */
export async function inspectModel(
  run: AttackRun,
  { expectRandom = false, signal }: { expectRandom?: boolean; signal?: AbortSignal },
): Promise<void> {
  const report = (finding: Finding | null) => finding && reportOnce(run.findings, finding);
  const samples = run.samples.slice(0, IMAGES);
  const numClasses = samples[0].cleanLogits.length;
  report(symptom.probabilities(samples));
  report(symptom.fewClasses(numClasses));
  const random = await isRandom(run, samples);
  if (!expectRandom) report(random ? symptom.randomModel() : null);
  if (!random) report((await dependsOnBatch(run, samples)) ? symptom.batchDependence() : null);
  await inspectGradients(run, samples.slice(0, GRADIENT_IMAGES), signal);
  await inspectAccuracy(run, samples);
}

function cleanAccuracy(samples: readonly Sample[]): number {
  return samples.filter((sample) => isCorrect(sample, sample.cleanLogits)).length / samples.length;
}

/** Whether the same batch twice gives different logits. */
async function isRandom({ evaluator }: AttackRun, samples: readonly Sample[]): Promise<boolean> {
  const batch = samples.slice(0, evaluator.batchSize).map(cleanQuery);
  const first = await evaluator.evaluate(batch);
  const second = await evaluator.evaluate(batch);
  return first.some((answer, i) => differ(answer, second[i]));
}

/** Whether the first image gets other logits next to other images. */
async function dependsOnBatch({ evaluator }: AttackRun, samples: readonly Sample[]): Promise<boolean> {
  if (evaluator.batchSize < 2) return false;
  const inverted = samples[0].image.map((value) => 1 - value);
  const [alone] = await evaluator.evaluate([cleanQuery(samples[0])]);
  const [accompanied] = await evaluator.evaluate([cleanQuery(samples[0]), { image: inverted, loss: null }]);
  return differ(alone, accompanied);
}

function cleanQuery({ image }: Sample): Query {
  return { image, loss: null };
}

function differ({ logits: a }: Answer, { logits: b }: Answer): boolean {
  const scale = a.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-3);
  return a.some((value, k) => Math.abs(value - b[k]) > ROUNDING * scale);
}

/** How many images have a zero gradient of cross-entropy, and of the difference of logits. */
async function inspectGradients(
  { evaluator, findings }: AttackRun,
  samples: readonly Sample[],
  signal?: AbortSignal,
) {
  const zeroGradients = async (loss: 'ce' | 'margin') => {
    const before = evaluator.gradients.zero;
    await runPrograms(evaluator, samples.length, (i) => gradientProgram(samples[i], loss), {
      signal,
      name: 'check-model',
    });
    return evaluator.gradients.zero - before;
  };
  try {
    const zero = await zeroGradients('ce');
    if (zero === 0) return;
    const finding = symptom.zeroGradients(zero, await zeroGradients('margin'), samples.length);
    reportOnce(findings, finding);
  } catch (error) {
    if (!isRevatError(error) || error.details.reason !== 'no-gradient') throw error;
    reportOnce(findings, symptom.noGradient(error.message));
  }
}

function* gradientProgram(sample: Sample, loss: 'ce' | 'margin'): SampleProgram {
  const { logits } = yield* gradientAt(sample.image, untargeted(loss, sample), 1);
  return { success: false, image: sample.image, logits };
}

/** Other readings of [0,1] pixels that a badly classifying model may have been trained on. */
const OTHER_INPUTS: readonly { readonly options: AdaptOptions; readonly text: string }[] = [
  { options: { inputRange: [0, 255] }, text: '{ inputRange: [0, 255] }' },
  { options: { inputRange: [-1, 1] }, text: '{ inputRange: [-1, 1] }' },
  {
    options: { preprocess: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } },
    text: '{ preprocess: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } }',
  },
];
/** Below this accuracy on the clean images, other readings of the input are tried. */
const LOW_ACCURACY = 0.5;
const CLEAR_GAIN = 0.2;

async function inspectAccuracy(run: AttackRun, samples: readonly Sample[]): Promise<void> {
  const accuracy = cleanAccuracy(samples);
  if (accuracy >= LOW_ACCURACY) return;
  const channels = run.evaluator.imageShape[2];
  let best = { accuracy, text: '' };
  for (const { options, text } of OTHER_INPUTS) {
    if (options.preprocess && channels !== 3) continue;
    const other = new ModelEvaluator(
      adaptModel(run.evaluator.classifier, options),
      run.evaluator.imageShape,
      run.evaluator.batchSize,
    );
    const predictions = await runPrograms(other, samples.length, (i) => predict(samples[i].image), {
      name: 'check-model',
    });
    run.evaluator.forwardImages += other.forwardImages;
    const correct =
      predictions.filter(({ logits }, i) => isCorrect(samples[i], logits)).length / samples.length;
    if (correct > best.accuracy) best = { accuracy: correct, text };
  }
  const finding =
    best.accuracy >= accuracy + CLEAR_GAIN
      ? symptom.inputRange(accuracy, best.accuracy, best.text)
      : symptom.lowAccuracy(accuracy, samples.length);
  reportOnce(run.findings, finding);
}
