import { cornerStart, createBall, randomStart, type Ball, type LossName } from '@revat/core';

import { apgdRun, type ApgdRunOptions, type ApgdRunResult } from './apgd-run.js';
import { lossForClasses, requireUntargeted, untargeted, type Objective } from './ascent.js';
import { defineAttack, type RunContext } from './define-attack.js';
import type { Answer, Query } from './model-evaluator.js';
import {
  booleanOption,
  choiceOption,
  integerOption,
  normOption,
  numberOption,
  radiusOption,
} from './option-schema.js';
import type { SampleOutcome } from './sample-program.js';
import type { Sample, Stream } from './sample.js';

/**
 * APGD, the parameter-free PGD of AutoAttack, untargeted (Croce and Hein, "Reliable evaluation of adversarial robustness with
 * an ensemble of diverse parameter-free attacks", ICML 2020; L1: "Mind the box", ICML 2021). A run of N steps costs N + 1
 * forward and N backward passes; restarts attack what is still robust.
 */

/** Sparsity of the first L1 steps from a random start. */
const FIRST_SPARSITY = 0.2;

export const apgdSchema = {
  norm: normOption(),
  eps: radiusOption(),
  steps: integerOption('steps of a run', 100),
  restarts: integerOption('runs from different random starts', 1),
  largerRadii: booleanOption('come from larger radii, 3 eps and 2 eps, as AutoAttack does in L1', false),
  firstRadius: numberOption('the first of the larger radii, in eps; the second lies half-way to eps', 3),
  start: choiceOption(
    'noise: as AutoAttack; corners: Linf only, every pixel at one end of its interval',
    ['noise', 'corners'],
    'noise',
  ),
  eotIterations: integerOption('evaluations averaged per gradient, for randomised models', 1),
  stopWhenBroken: booleanOption(
    'leave a sample at its first misclassified point; false traces the whole run',
    true,
  ),
};

const schema = {
  ...apgdSchema,
  loss: choiceOption<LossName>('loss to maximise', ['ce', 'dlr', 'margin', 'probability-margin'], 'ce'),
};

/** `apgd({ norm: 'Linf', eps: '4/255', loss: 'ce' })` */
export const apgd = defineAttack({
  name: 'apgd',
  summary: 'Auto-PGD: gradient ascent with adaptive step size, cross-entropy, DLR or margin losses',
  access: 'white-box',
  source: 'Croce and Hein, ICML 2020, arXiv:2003.01690; L1: ICML 2021, arXiv:2103.01208',
  norms: ['Linf', 'L2', 'L1'],
  schema,
  program: (options, context) => {
    requireUntargeted('apgd', options.loss);
    const loss = lossForClasses(options.loss, context);
    return (sample) => apgdProgram(sample, [untargeted(loss, sample)], options, context);
  },
});

export interface ApgdOptions {
  readonly norm: Ball['norm'];
  readonly eps: number;
  readonly steps: number;
  readonly restarts: number;
  readonly largerRadii: boolean;
  readonly firstRadius: number;
  readonly start: 'noise' | 'corners';
  readonly eotIterations: number;
  readonly stopWhenBroken: boolean;
}

/** Runs APGD on each objective with each restart until the sample is broken; else returns the point of highest loss. */
export function* apgdProgram(
  sample: Sample,
  objectives: readonly Objective[],
  options: ApgdOptions,
  context: RunContext,
): Generator<Query, SampleOutcome, Answer> {
  let best: ApgdRunResult['best'] | null = null;
  for (const [rank, objective] of objectives.entries()) {
    for (let restart = 0; restart < options.restarts; restart++) {
      const result = yield* fromRandomStart(
        sample,
        objective,
        rank * options.restarts + restart,
        options,
        context,
      );
      if (result.broken) return { success: true, ...result.broken };
      if (!best || result.best.loss > best.loss) best = result.best;
    }
  }
  return { success: false, image: best!.image, logits: best!.logits };
}

function* fromRandomStart(
  sample: Sample,
  objective: Objective,
  restart: number,
  options: ApgdOptions,
  context: RunContext,
): Generator<Query, ApgdRunResult, Answer> {
  const stream = context.random(sample.sampleId, restart);
  if (options.largerRadii) {
    return yield* fromLargerRadii(sample, objective, stream, restart, options, context);
  }
  const ball = createBall(options.norm, sample.image, options.eps);
  const run: ApgdRunOptions = { ...options, restart, sparsity: FIRST_SPARSITY };
  return yield* apgdRun(sample, ball, startIn(ball, stream, options), objective, run, context);
}

function startIn(ball: Ball, stream: Stream, { start }: ApgdOptions): Float32Array {
  return start === 'corners' && ball.norm === 'Linf' ? cornerStart(ball, stream) : randomStart(ball, stream);
}

/**
 * Three runs with radii e.g. 3 eps, 2 eps and eps and 30, 30 and 40 % of the steps, each from the best point of the one
 * before, projected.
 */
function* fromLargerRadii(
  sample: Sample,
  objective: Objective,
  stream: Stream,
  restart: number,
  options: ApgdOptions,
  context: RunContext,
): Generator<Query, ApgdRunResult, Answer> {
  const part = Math.ceil(0.3 * options.steps);
  const stages = [
    { radius: options.firstRadius * options.eps, steps: part },
    { radius: ((options.firstRadius + 1) / 2) * options.eps, steps: part },
    { radius: options.eps, steps: options.steps - 2 * part },
  ];
  let start = startIn(createBall(options.norm, sample.image, stages[0].radius), stream, options);
  let result: ApgdRunResult | null = null;
  for (const [i, { radius, steps }] of stages.entries()) {
    const ball = createBall(options.norm, sample.image, radius);
    start = start.slice();
    ball.project(start);
    const stopWhenBroken = options.stopWhenBroken && i === stages.length - 1;
    const run: ApgdRunOptions = { steps, restart, stopWhenBroken, eotIterations: options.eotIterations };
    result = yield* apgdRun(sample, ball, start, objective, run, context);
    start = result.best.image;
  }
  return result!;
}
