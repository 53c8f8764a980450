import { createBall, lossValue, randomStart, type LossName } from '@revat/core';

import {
  ascend,
  gradientAt,
  lossForClasses,
  stepEvent,
  requireUntargeted,
  untargeted,
  type Objective,
} from './ascent.js';
import { defineAttack, type RunContext } from './define-attack.js';
import type { Answer, Query } from './model-evaluator.js';
import {
  booleanOption,
  choiceOption,
  integerOption,
  normOption,
  numberOption,
  radiusOption,
  type ResolvedOptions,
} from './option-schema.js';
import type { SampleOutcome } from './sample-program.js';
import { isCorrect, type Sample } from './sample.js';

/**
 * Projected gradient descent with a fixed step (Madry et al., ICLR 2018; L1 steps as in SLIDE, Tramer and Boneh, NeurIPS
 * 2019). A run of N steps costs N + 1 forward and N backward passes.
 */
const schema = {
  norm: normOption(),
  eps: radiusOption(),
  steps: integerOption('steps of a run', 40),
  stepSize: numberOption('length of a step in input units; default 2.5 eps / steps', undefined),
  restarts: integerOption('runs; with randomStart each from another point', 1),
  randomStart: booleanOption('start from a random point of the ball, not from the clean image', true),
  loss: choiceOption<LossName>('loss to maximise', ['ce', 'dlr', 'margin'], 'ce'),
  sparsity: numberOption('L1: fraction of the pixels that a step changes', 0.05, { max: 1 }),
  eotIterations: integerOption('evaluations averaged per gradient, for randomised models', 1),
  stopWhenBroken: booleanOption(
    'end at the first misclassified point; false judges the last point only',
    true,
  ),
};

/** `pgd({ norm: 'Linf', eps: '8/255', steps: 40, restarts: 5 })` */
export const pgd = defineAttack({
  name: 'pgd',
  summary: 'Projected gradient descent with restarts',
  access: 'white-box',
  source: 'Madry et al., ICLR 2018, arXiv:1706.06083; L1: Tramer and Boneh, NeurIPS 2019, arXiv:1904.13000',
  norms: ['Linf', 'L2', 'L1'],
  schema,
  program: (options, context) => {
    requireUntargeted('pgd', options.loss);
    const loss = lossForClasses(options.loss, context);
    return (sample) => pgdProgram(sample, untargeted(loss, sample), options, context);
  },
});

type PgdOptions = ResolvedOptions<typeof schema>;

function* pgdProgram(
  sample: Sample,
  objective: Objective,
  options: PgdOptions,
  context: RunContext,
): Generator<Query, SampleOutcome, Answer> {
  let outcome: SampleOutcome;
  let restart = 0;
  do {
    outcome = yield* pgdRun(sample, objective, restart, options, context);
  } while (!outcome.success && ++restart < options.restarts);
  return outcome;
}

function* pgdRun(
  sample: Sample,
  objective: Objective,
  restart: number,
  options: PgdOptions,
  context: RunContext,
): Generator<Query, SampleOutcome, Answer> {
  const { norm, eps, steps, sparsity, eotIterations, stopWhenBroken } = options;
  const ball = createBall(norm, sample.image, eps);
  const stepSize = options.stepSize ?? (2.5 * eps) / steps;
  const fromCenter = !options.randomStart;
  const point = fromCenter
    ? sample.image.slice()
    : randomStart(ball, context.random(sample.sampleId, restart));
  let bestLoss = -Infinity;
  for (let step = 0; ; step++) {
    const answer: Answer =
      step < steps ? yield* gradientAt(point, objective, eotIterations) : yield { image: point, loss: null };
    const correct = isCorrect(sample, answer.logits);
    const loss = lossValue(objective.loss, answer.logits, sample.label, objective.target, objective.label);
    bestLoss = Math.max(bestLoss, loss);
    const gradient = step < steps ? answer.gradient : null;
    const size = step === 0 ? 0 : stepSize;
    context.onStep?.(
      stepEvent(context, sample, objective, {
        restart,
        step,
        loss,
        bestLoss,
        stepSize: size,
        correct,
        image: point,
        gradient,
      }),
    );
    if (step === steps || (stopWhenBroken && !correct))
      return { success: !correct, image: point, logits: answer.logits };
    ascend(norm, point, answer.gradient, stepSize, point, sparsity);
    ball.project(point);
  }
}
