import { createBall, randomStart, type Ball, type LossName, type NormName } from '@revat/core';

import { ascend, gradientAt, lossForClasses, requireUntargeted, untargeted } from './ascent.js';
import { defineAttack } from './define-attack.js';
import { choiceOption, normOption, radiusOption } from './option-schema.js';
import type { Answer, Query } from './model-evaluator.js';
import type { SampleOutcome } from './sample-program.js';
import { isCorrect, type Sample, type Stream } from './sample.js';

/**
 * One-step attacks: FGSM from the clean image, R-FGSM from a uniform point of the ball, N-FGSM from noise of twice the
 * radius. The last point is always projected onto the ball and the box; the published N-FGSM, made for training, is not.
 */
const NORMS: readonly NormName[] = ['Linf', 'L2', 'L1'];
/** L1: fraction of the pixels that the step changes. */
const SPARSITY = 0.05;

const schema = {
  norm: normOption(),
  eps: radiusOption(),
  loss: choiceOption<LossName>('loss to maximise', ['ce', 'dlr', 'margin'], 'ce'),
};

/** Where the step starts, and its length. */
interface Variant {
  readonly stepOverEps: number;
  readonly start: (ball: Ball, stream: Stream) => Float32Array;
}

function oneStepAttack(name: string, summary: string, source: string, variant: Variant) {
  return defineAttack({
    name,
    summary,
    access: 'white-box',
    source,
    norms: NORMS,
    schema,
    program: ({ norm, eps, loss }, context) => {
      requireUntargeted(name, loss);
      const chosen = lossForClasses(loss, context);
      return function* (sample: Sample): Generator<Query, SampleOutcome, Answer> {
        const ball = createBall(norm, sample.image, eps);
        const point = variant.start(ball, context.random(sample.sampleId));
        const { gradient } = yield* gradientAt(point, untargeted(chosen, sample), 1);
        ascend(norm, point.slice(), gradient, variant.stepOverEps * ball.eps, point, SPARSITY);
        ball.project(point);
        const { logits } = yield { image: point, loss: null };
        return { success: !isCorrect(sample, logits), image: point, logits };
      };
    },
  });
}

/** `fgsm({ norm: 'Linf', eps: '8/255' })` */
export const fgsm = oneStepAttack(
  'fgsm',
  'Fast gradient sign method: one step from the clean image',
  'Goodfellow, Shlens and Szegedy, ICLR 2015, arXiv:1412.6572',
  { stepOverEps: 1, start: (ball) => ball.center.slice() },
);

/** `rFgsm({ norm: 'Linf', eps: '8/255' })` */
export const rFgsm = oneStepAttack(
  'r-fgsm',
  'FGSM from a random point of the ball, step 1.25 eps',
  'Wong, Rice and Kolter, "Fast is better than free", ICLR 2020, arXiv:2001.03994',
  { stepOverEps: 1.25, start: uniformStart },
);

/** `nFgsm({ norm: 'Linf', eps: '8/255' })` */
export const nFgsm = oneStepAttack(
  'n-fgsm',
  'FGSM from noise of twice the radius, projected onto the ball',
  'de Jorge et al., "Make some noise", NeurIPS 2022, arXiv:2202.01181',
  {
    stepOverEps: 1,
    start: (ball, stream) => uniformStart(createBall(ball.norm, ball.center, 2 * ball.eps), stream),
  },
);

/** Linf: every pixel uniform in its interval; L2 and L1: the random starts of APGD. */
function uniformStart(ball: Ball, stream: Stream): Float32Array {
  if (ball.norm !== 'Linf') return randomStart(ball, stream);
  const noise = stream.uniforms(ball.center.length);
  const point = ball.center.map((value, i) => value + ball.eps * (2 * noise[i] - 1));
  ball.project(point);
  return point;
}
