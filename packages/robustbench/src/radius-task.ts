import { RevatError, type NormName } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';

import type { PassCounts } from './clean-task.js';
import type { EvaluatedModel } from './evaluated-model.js';
import type { Chunk } from './evaluation-data.js';
import type { EvaluationRecipe } from './evaluation-recipe.js';
import type { EvaluationTask } from './evaluation-run.js';
import type { SampleRecord } from './journal.js';
import type { AttackHooks } from './model-evaluation.js';
import { protocolAttack } from './protocol-attack.js';
import type { Protocol } from './threat-model.js';

/** How much one sample endured. */
export interface RadiusRecord extends SampleRecord {
  readonly label: number;
  /** Radii of the list that it survived; -1 if the clean image is misclassified. */
  readonly survived: number;
}

export interface RadiusQuestion {
  readonly norm: NormName;
  /** Growing, in input units. */
  readonly radii: readonly number[];
  readonly protocol: Protocol;
}

/**
 * One attack per radius, on the samples that the smaller radii left robust: an adversarial example of a smaller ball lies in
 * every larger one, so the curve can only fall.
 */
export function radiusTask(
  model: EvaluatedModel,
  question: RadiusQuestion,
  recipe: EvaluationRecipe,
  isCorrect: ReadonlyMap<number, boolean>,
  hooks: AttackHooks,
): EvaluationTask<RadiusRecord, PassCounts> {
  const { norm, radii, protocol } = question;
  checkRadii(radii);
  return {
    folder: `${model.id}/${norm.toLowerCase()}-radius-curve-${protocol}`,
    recipe: { task: 'radius-curve', ...recipe, norm, radii, protocol },
    evaluate: async (chunk) => {
      const survived = chunk.sampleIds.map((id) => (isCorrect.get(id) ? 0 : -1));
      const passes = { forward: 0, backward: 0 };
      for (const [rank, eps] of radii.entries()) {
        const alive = survived.flatMap((count, i) => (count === rank ? [i] : []));
        if (alive.length === 0) break;
        const result = await attackSome(chunk, alive, (images, labels, sampleIds) =>
          protocolAttack({ norm, eps, protocol }).run(model.classify, images, labels, {
            seed: recipe.seed,
            sampleIds,
            ...hooks,
          }),
        );
        result.adversarial.dispose();
        alive.forEach((i, row) => (survived[i] += result.success[row] ? 0 : 1));
        passes.forward += result.diagnostics.forwardImages;
        passes.backward += result.diagnostics.backwardImages;
      }
      return {
        samples: chunk.sampleIds.map((sample, i) => ({
          sample,
          label: chunk.labels[i],
          survived: survived[i],
        })),
        summary: passes,
      };
    },
  };
}

async function attackSome<Result>(
  { images, labels, sampleIds }: Chunk,
  rows: readonly number[],
  attack: (images: tf.Tensor4D, labels: Int32Array, sampleIds: number[]) => Promise<Result>,
): Promise<Result> {
  const some = tf.tidy(() => tf.gather(images, tf.tensor1d([...rows], 'int32')));
  try {
    return await attack(
      some,
      Int32Array.from(rows, (i) => labels[i]),
      rows.map((i) => sampleIds[i]),
    );
  } finally {
    some.dispose();
  }
}

function checkRadii(radii: readonly number[]): void {
  const wrong = radii.findIndex((eps, i) => !(Number.isFinite(eps) && eps > (i === 0 ? 0 : radii[i - 1])));
  if (radii.length > 0 && wrong < 0) return;
  throw new RevatError(
    'invalid-argument',
    radii.length === 0
      ? 'radiusCurve: no radii given. Give at least one, in input units.'
      : `radiusCurve: radii must grow from above 0, got ${radii[wrong]} at position ${wrong}.`,
  );
}
