import { isRevatError, randomStream, RevatError, type NormName } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';

import type { Attack, AttackResult, AttackRunOptions, Labels, StepEvent } from './attack.js';
import { reportOnce, type Finding } from './finding.js';
import { adaptModel, type Model } from './model-adapter.js';
import { ModelEvaluator } from './model-evaluator.js';
import { layout } from './model-symptoms.js';
import {
  resolveOptions,
  type GivenOptions,
  type OptionSchema,
  type ResolvedOptions,
} from './option-schema.js';
import { runPrograms, type SampleOutcome, type SampleProgram } from './sample-program.js';
import {
  crossEntropyAt,
  isCorrect,
  makeSamples,
  predict,
  readBatch,
  type Sample,
  type Stream,
} from './sample.js';

/** What distinguishes one attack from another; `defineAttack` does the rest. */
export interface AttackDefinition<S extends OptionSchema> {
  readonly name: string;
  /** One line for documentation and `--help`. */
  readonly summary: string;
  readonly access: 'white-box' | 'black-box';
  /** The paper. */
  readonly source: string;
  readonly norms: readonly NormName[];
  readonly schema: S;
  /** The program for each sample that the model classifies correctly. */
  readonly program: (options: ResolvedOptions<S>, context: RunContext) => (sample: Sample) => SampleProgram;
}

/** What an attack's program may use besides its sample. */
export interface RunContext {
  /** The attack's name, for events and random streams; a part of AutoAttack has its own. */
  readonly name: string;
  readonly numClasses: number;
  readonly imageShape: readonly [number, number, number];
  /** The stream of this attack for a sample and e.g. (restart, step). */
  readonly random: (sampleId: number, ...parts: number[]) => Stream;
  readonly onStep?: (event: StepEvent) => void;
  /** Adds a finding to the diagnostics, once per code. */
  readonly report: (finding: Finding) => void;
}

/** A factory of attacks that knows its own documentation. */
export interface AttackFactory<S extends OptionSchema> {
  (options: GivenOptions<S>): SampleAttack<ResolvedOptions<S>>;
  readonly definition: AttackDefinition<S>;
}

/** An attack that works sample by sample, as a part of AutoAttack does. */
export interface SampleAttack<Options extends object = object> extends Attack<Options> {
  readonly program: (context: RunContext) => (sample: Sample) => SampleProgram;
}

interface NormAndRadius {
  readonly norm: NormName;
  readonly eps: number;
}

/** Makes the factory of an attack: options resolved and frozen, `run` shared by all attacks. */
export function defineAttack<S extends OptionSchema>(definition: AttackDefinition<S>): AttackFactory<S> {
  const factory = (given: GivenOptions<S>): SampleAttack<ResolvedOptions<S>> => {
    const options = resolveOptions(definition.name, definition.schema, given);
    const { norm, eps } = options as unknown as NormAndRadius;
    const program = (context: RunContext) => definition.program(options, context);
    const attack: SampleAttack<ResolvedOptions<S>> = {
      name: definition.name,
      norm,
      options,
      program,
      run: (model, images, labels, runOptions) => runAttack(attack, eps, model, images, labels, runOptions),
    };
    return Object.freeze(attack);
  };
  return Object.assign(factory, { definition });
}

async function runAttack(
  attack: SampleAttack,
  eps: number,
  model: Model,
  images: tf.Tensor4D,
  labels: Labels,
  runOptions: AttackRunOptions = {},
): Promise<AttackResult> {
  const run = await startRun(attack.name, model, images, labels, runOptions);
  const outcomes = await attackRobust(run, attack, run.samples, runOptions);
  return finishRun(run, outcomes, { attack: attack.name, norm: attack.norm, eps });
}

/** A run in progress: the samples, the model, and what was found so far. */
export interface AttackRun {
  readonly samples: readonly Sample[];
  readonly evaluator: ModelEvaluator;
  readonly findings: Finding[];
  readonly seed: number;
}

/** Reads and checks the input and evaluates the clean images. */
export async function startRun(
  name: string,
  model: Model,
  images: tf.Tensor4D,
  labels: Labels,
  { seed = 0, sampleIds, signal, batchSize }: AttackRunOptions,
): Promise<AttackRun> {
  if (!Number.isSafeInteger(seed))
    throw new RevatError('invalid-argument', `${name}: seed must be a whole number, got ${seed}.`);
  if (batchSize !== undefined && !(Number.isSafeInteger(batchSize) && batchSize > 0)) {
    throw new RevatError(
      'invalid-argument',
      `${name}: batchSize must be a whole number >= 1, got ${batchSize}.`,
    );
  }
  const classifier = adaptModel(model);
  const input = await readBatch(name, images, labels, sampleIds);
  const evaluator = new ModelEvaluator(classifier, input.imageShape, batchSize);
  try {
    const samples = await makeSamples(evaluator, input, { signal, name });
    return { samples, evaluator, findings: [], seed };
  } catch (error) {
    throw isRevatError(error) ? error : modelFailure(name, model, images, error);
  }
}

/** The error of a model that fails on NHWC images, with the fix if it works on NCHW ones. */
function modelFailure(name: string, model: Model, images: tf.Tensor4D, cause: unknown): RevatError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  let hint =
    'Images are float32 [B,H,W,C] in [0,1]; wrap the model with adaptModel if it wants something else.';
  try {
    tf.tidy(() => {
      const [, height, width, channels] = images.shape;
      adaptModel(model, { layout: 'NCHW' })(tf.slice(images, [0, 0, 0, 0], [1, height, width, channels]));
    });
    const { message, fix } = layout(images.shape);
    hint = `${message} ${fix}`;
  } catch {
    // Neither layout works: the hint stays general.
  }
  return new RevatError(
    'bad-model',
    `${name}: the model failed on images [${images.shape.join(',')}]: ${reason} ${hint}`,
    { cause },
  );
}

/**
 * Runs an attack on those of `samples` that the model classifies correctly and predicts the broken ones again: the verdict
 * is that of the returned image. Outcomes in the order of `samples`; clean images where the model was wrong already.
 */
export async function attackRobust(
  run: AttackRun,
  attack: Pick<SampleAttack, 'name' | 'program'>,
  samples: readonly Sample[],
  { signal, random, onStep, onProgress }: AttackRunOptions,
): Promise<SampleOutcome[]> {
  const { evaluator, seed } = run;
  const source = random ?? ((name, sampleId, ...parts) => randomStream(seed, name, sampleId, ...parts));
  const program = attack.program({
    name: attack.name,
    numClasses: samples[0].cleanLogits.length,
    imageShape: evaluator.imageShape,
    random: (sampleId, ...parts) => source(attack.name, sampleId, ...parts),
    onStep,
    report: (finding) => reportOnce(run.findings, finding),
  });
  const robust = samples.filter((sample) => isCorrect(sample, sample.cleanLogits));
  const onBatch =
    onProgress &&
    ((finished: number, broken: number) =>
      onProgress({
        attack: attack.name,
        finished,
        total: robust.length,
        broken,
        forwardImages: evaluator.forwardImages,
        backwardImages: evaluator.backwardImages,
      }));
  const attacked = await runPrograms(evaluator, robust.length, (i) => program(robust[i]), {
    signal,
    name: attack.name,
    onBatch,
  });
  const outcomes = samples.map((sample): SampleOutcome => ({
    success: true,
    image: sample.image,
    logits: sample.cleanLogits,
  }));
  const position = new Map(samples.map((sample, i) => [sample, i]));
  robust.forEach((sample, i) => (outcomes[position.get(sample)!] = attacked[i]));
  await verify(run, robust, outcomes, position, { signal, name: attack.name });
  return outcomes;
}

/** Predicts again what the attack claims to have broken; a deterministic model always agrees. */
async function verify(
  run: AttackRun,
  robust: readonly Sample[],
  outcomes: SampleOutcome[],
  position: ReadonlyMap<Sample, number>,
  hooks: { signal?: AbortSignal; name: string },
): Promise<void> {
  const claimed = robust.filter((sample) => outcomes[position.get(sample)!].success);
  const images = claimed.map((sample) => outcomes[position.get(sample)!].image);
  const again = await runPrograms(run.evaluator, claimed.length, (i) => predict(images[i]), hooks);
  let withdrawn = 0;
  claimed.forEach((sample, i) => {
    const success = !isCorrect(sample, again[i].logits);
    if (!success) withdrawn++;
    outcomes[position.get(sample)!] = { ...again[i], success };
  });
  if (withdrawn === 0) return;
  reportOnce(run.findings, {
    code: 'verdict-not-reproduced',
    severity: 'warning',
    message: `${hooks.name}: ${withdrawn} of ${claimed.length} adversarial images were classified correctly when predicted again; they count as robust.`,
    consequence: 'The model gives different logits for the same image, so single predictions decide by luck.',
    fix: 'Make the model deterministic, or evaluate it with autoAttack({ version: "rand" }).',
  });
}

/** The result of a run; `adversarial` is the caller's to dispose. */
export function finishRun(
  { samples, evaluator, findings, seed }: AttackRun,
  outcomes: readonly SampleOutcome[],
  {
    attack,
    norm,
    eps,
    ...more
  }: Pick<AttackResult['diagnostics'], 'attack' | 'norm' | 'eps' | 'stages' | 'brokenBy'>,
): AttackResult {
  reportNonFinite(evaluator, findings);
  const size = samples[0].image.length;
  const pixels = new Float32Array(samples.length * size);
  outcomes.forEach(({ image }, i) => pixels.set(image, i * size));
  return {
    adversarial: tf.tensor4d(pixels, [samples.length, ...evaluator.imageShape]),
    success: Uint8Array.from(outcomes, ({ success }) => Number(success)),
    loss: Float32Array.from(outcomes, ({ logits }, i) => crossEntropyAt(samples[i], logits)),
    diagnostics: {
      attack,
      norm,
      eps,
      seed,
      images: samples.length,
      forwardImages: evaluator.forwardImages,
      backwardImages: evaluator.backwardImages,
      findings,
      ...more,
    },
  };
}

function reportNonFinite({ nonFiniteLogits, gradients }: ModelEvaluator, findings: Finding[]): void {
  if (nonFiniteLogits > 0) {
    reportOnce(findings, {
      code: 'non-finite-logits',
      severity: 'error',
      message: `The model returned NaN or infinite logits for ${nonFiniteLogits} images.`,
      consequence: 'An image with a NaN logit has no predicted class and counts as misclassified.',
      fix: 'Find where the model overflows or divides by zero; the attack may have found a real weakness or a bug.',
    });
  }
  if (gradients.nonFinite > 0) {
    reportOnce(findings, {
      code: 'non-finite-gradients',
      severity: 'warning',
      message: `${gradients.nonFinite} of ${gradients.total} input gradients had NaN or infinite entries, which were set to 0.`,
      consequence: 'White-box attacks saw less than the whole gradient: robustness may be overestimated.',
      fix: 'Look for sqrt, log or division at 0 in the model, or rely on the Square attack.',
    });
  }
}
