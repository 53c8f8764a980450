/**
 * Square attack: random search with windows, by the model's logits alone (Andriushchenko, Croce, Flammarion and Hein,
 * "Square Attack: a query-efficient black-box adversarial attack via random search", ECCV 2020, arXiv:1912.00049; the L1
 * variant is AutoAttack's). It finds what gradients miss, and so unmasks models that hide theirs.
 *
 * Deviations from the AutoAttack reference: each image has its own random draws (there the batch shares them), see
 * square-search.ts; points are moved into the ball exactly as checked in float32.
 */
import { createBall, lossValue } from '@revat/core';

import { defineAttack } from './define-attack.js';
import { booleanOption, integerOption, normOption, numberOption, radiusOption } from './option-schema.js';
import type { Answer, Query } from './model-evaluator.js';
import type { SampleOutcome, SampleProgram } from './sample-program.js';
import { isCorrect, type Sample } from './sample.js';
import { squareSearch } from './square-search.js';

/** Steps over which the schedule of window sizes is defined. */
const SCHEDULE_STEPS = 10_000;

const schema = {
  norm: normOption(),
  eps: radiusOption(),
  queries: integerOption('candidates tried per restart, besides the starting point', 5000),
  restarts: integerOption('random restarts', 1),
  initialFraction: numberOption('fraction of the pixels that the first windows cover', 0.8, { max: 1 }),
  rescaleSchedule: booleanOption(
    'stretch the schedule of window sizes over the queries; AutoAttack does not',
    false,
  ),
};

/** Random search in Linf, L2 or L1 that needs no gradients. */
export const square = defineAttack({
  name: 'square',
  summary: 'random search with square windows; needs logits only, no gradients',
  access: 'black-box',
  source: 'Andriushchenko et al., Square Attack, ECCV 2020, arXiv:1912.00049',
  norms: ['Linf', 'L2', 'L1'],
  schema,
  program: (options, { name, imageShape, random, onStep }) => {
    const { norm, eps, queries, restarts, initialFraction, rescaleSchedule } = options;
    const scheduleRate = rescaleSchedule ? SCHEDULE_STEPS / queries : 1;
    const search = squareSearch({ norm, initialFraction, scheduleRate }, imageShape);

    /** One restart: at most `queries` candidates after the starting point, accepted where the margin shrinks. */
    function* randomSearch(sample: Sample, restart: number): Generator<Query, SampleOutcome, Answer> {
      const ball = createBall(norm, sample.image, eps);
      const stream = random(sample.sampleId, restart);
      const candidate = new Float32Array(sample.image.length);
      const query = { image: candidate, loss: null };
      const best = { image: sample.image.slice(), logits: sample.cleanLogits, loss: -Infinity };
      for (let step = 0; step <= queries; step++) {
        let isNew = true;
        if (step === 0) search.start(ball, candidate, stream);
        else isNew = search.propose(ball, best.image, candidate, step - 1, stream);
        // A window may already hold what it is to hold; the model need not be asked about the same image again.
        const { logits }: Pick<Answer, 'logits'> = isNew ? yield query : best;
        const loss = lossValue('margin', logits, sample.label);
        const correct = isCorrect(sample, logits);
        const accepted = loss > best.loss || !correct;
        onStep?.({
          attack: name,
          index: sample.index,
          sampleId: sample.sampleId,
          restart,
          step,
          loss,
          bestLoss: Math.max(loss, best.loss),
          stepSize: 0,
          correct,
          image: candidate,
          gradient: null,
        });
        if (accepted) {
          Object.assign(best, { logits, loss });
          best.image.set(candidate);
        } else candidate.set(best.image);
        if (!correct) return { ...best, success: true };
        // The true class shares the largest logit: the reference gives up here, too.
        if (loss >= 0) break;
      }
      return { ...best, success: false };
    }

    return function* (sample: Sample): SampleProgram {
      let outcome: SampleOutcome;
      let restart = 0;
      do outcome = yield* randomSearch(sample, restart);
      while (!outcome.success && ++restart < restarts);
      return outcome;
    };
  },
});
