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

    return function* (sample: Sample): SampleProgram {
      const ball = createBall(norm, sample.image, eps);
      const candidate = new Float32Array(sample.image.length);
      const best = new Float32Array(sample.image.length);
      const query = { image: candidate, loss: null };
      for (let restart = 0; restart < restarts; restart++) {
        const stream = random(sample.sampleId, restart);
        let bestLoss = -Infinity;
        for (let step = 0; step <= queries; step++) {
          if (step === 0) search.start(ball, candidate, stream);
          else search.propose(ball, best, candidate, step - 1, stream);
          const { logits } = yield query;
          const loss = lossValue('margin', logits, sample.label);
          const accepted = loss > bestLoss || loss >= 0;
          if (accepted) bestLoss = loss;
          const correct = isCorrect(sample, logits);
          onStep?.({
            attack: name,
            index: sample.index,
            sampleId: sample.sampleId,
            restart,
            step,
            loss,
            bestLoss,
            stepSize: 0,
            correct,
            image: candidate,
            gradient: null,
          });
          if (!correct) return { success: true, image: candidate, logits };
          // The true class shares the largest logit: the reference gives up here, too.
          if (loss >= 0) break;
          if (accepted) best.set(candidate);
          else candidate.set(best);
        }
      }
      return failure(sample);
    };
  },
});

function failure({ image, cleanLogits }: Sample): SampleOutcome {
  return { success: false, image, logits: cleanLogits };
}
