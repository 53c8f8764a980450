/**
 * FAB, the fast adaptive boundary attack: it looks for the smallest perturbation that changes the decision (Croce and Hein,
 * "Minimally distorted adversarial examples with a fast adaptive boundary attack", ICML 2020, arXiv:1907.02044).
 * `fab` takes the nearest class at every step, which costs one backward pass per class; `fabTargeted` aims at one class after another.
 *
 * Deviations from the AutoAttack reference: an image leaves as soon as an adversarial perturbation within eps is found, which
 * decides its verdict, where the reference completes the run (`minimize` does that); random starts are drawn per image.
 */
import { createBall, perturbationNorm, type Ball, type NormName } from '@revat/core';

import { defineAttack, type RunContext } from './define-attack.js';
import { fabDescent, nearestPlane, targetPlane, type Descent, type Found } from './fab-descent.js';
import { booleanOption, integerOption, normOption, numberOption, radiusOption } from './option-schema.js';
import type { SampleProgram } from './sample-program.js';
import { targetClasses, type Sample, type Stream } from './sample.js';

const common = {
  norm: normOption(),
  eps: radiusOption('radius within which a perturbation counts, in input units, e.g. 4/255'),
  steps: integerOption('steps per restart and target', 100),
  restarts: integerOption('restarts; all but the first start at random, eps / 2 away', 1),
  alphaMax: numberOption('largest weight of the projection of the clean image', 0.1, { max: 1 }),
  overshoot: numberOption('how far beyond the plane a step goes; 1 stops on it', 1.05),
  backward: numberOption('fraction of an adversarial perturbation that is kept before going on', 0.9, {
    max: 1,
  }),
  minimize: booleanOption('go on after success, for the smallest perturbation', false),
};

const SOURCE = 'Croce and Hein, FAB, ICML 2020, arXiv:1907.02044';

/** Minimal perturbations in Linf, L2 or L1, towards the nearest class. */
export const fab = defineAttack({
  name: 'fab',
  summary: 'minimal perturbations by projection on the nearest linearised decision boundary',
  access: 'white-box',
  source: SOURCE,
  norms: ['Linf', 'L2', 'L1'],
  schema: common,
  program: (options, context) => {
    const search = boundarySearch(options, context);
    return (sample) => search(sample, [{ planeAt: nearestPlane(options.norm, sample, context.numClasses) }]);
  },
});

/** Minimal perturbations in Linf, L2 or L1, towards the most likely other classes one after another. */
export const fabTargeted = defineAttack({
  name: 'fab-t',
  summary: 'minimal perturbations by projection on the linearised boundary to one class after another',
  access: 'white-box',
  source: SOURCE,
  norms: ['Linf', 'L2', 'L1'],
  schema: { ...common, targets: integerOption('classes aimed at, most likely first', 9) },
  program: (options, context) => {
    const search = boundarySearch(options, context);
    return (sample) =>
      search(
        sample,
        targetClasses(sample, options.targets).map((target) => ({
          target,
          planeAt: targetPlane(sample, target, context.numClasses),
        })),
      );
  },
});

interface SearchOptions {
  readonly norm: NormName;
  readonly eps: number;
  readonly steps: number;
  readonly restarts: number;
  readonly alphaMax: number;
  readonly overshoot: number;
  readonly backward: number;
  readonly minimize: boolean;
}

type Direction = Pick<Descent, 'target' | 'planeAt'>;

/** The search of one sample: every direction, every restart, until a perturbation within eps is found. */
function boundarySearch(options: SearchOptions, context: RunContext) {
  const { norm, eps, restarts, minimize } = options;
  const descend = fabDescent(options, context);

  return function* (sample: Sample, directions: readonly Direction[]): SampleProgram {
    const ball = createBall(norm, sample.image, eps);
    const goal = minimize ? null : ball;
    let best: Found | null = null;
    for (const direction of directions) {
      for (let restart = 0; restart < restarts; restart++) {
        const stream = context.random(sample.sampleId, restart, direction.target ?? -1);
        const start = restart === 0 ? sample.image : nearbyStart(ball, stream);
        const found: Found | null = yield* descend({ ...direction, sample, start, restart, goal });
        if (found && ball.contains(found.image) && !(best && best.length <= found.length)) best = found;
        if (best && !minimize) return { success: true, ...best };
      }
    }
    return best
      ? { success: true, ...best }
      : { success: false, image: sample.image, logits: sample.cleanLogits };
  };
}

/** The clean image moved by eps / 2 in a random direction, clipped to the box. */
function nearbyStart({ norm, center, eps }: Ball, stream: Stream): Float32Array {
  const noise =
    norm === 'Linf'
      ? stream.uniforms(center.length).map((uniform) => 2 * uniform - 1)
      : stream.normals(center.length);
  const scale = (0.5 * eps) / (perturbationNorm(norm, new Float32Array(center.length), noise) + 1e-12);
  return center.map((value, i) => Math.min(Math.max(value + scale * noise[i], 0), 1));
}
