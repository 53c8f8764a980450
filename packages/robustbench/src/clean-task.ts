import type { EvaluatedModel } from './evaluated-model.js';
import type { EvaluationRecipe } from './evaluation-recipe.js';
import type { EvaluationTask, FinishedRun } from './evaluation-run.js';
import type { SampleRecord } from './journal.js';
import { predict } from './prediction.js';

/** What the model says about one clean image. */
export interface CleanRecord extends SampleRecord {
  readonly label: number;
  readonly prediction: number;
  readonly confidence: number;
}

export interface PassCounts {
  readonly forward: number;
  readonly backward: number;
}

export type CleanRun = FinishedRun<CleanRecord, PassCounts>;

/** Clean predictions of a model. */
export function cleanTask(
  model: EvaluatedModel,
  recipe: EvaluationRecipe,
): EvaluationTask<CleanRecord, PassCounts> {
  return {
    folder: `${model.id}/clean`,
    recipe: { task: 'clean', ...recipe },
    evaluate: async ({ images, labels, sampleIds }) => {
      const predictions = await predict(model.classify, images);
      return {
        samples: predictions.map(({ class: prediction, confidence }, i) => ({
          sample: sampleIds[i],
          label: labels[i],
          prediction,
          confidence,
        })),
        summary: { forward: sampleIds.length, backward: 0 },
      };
    },
  };
}

/** Whether each sample is classified correctly, by sample id. */
export function cleanVerdicts({ chunks }: CleanRun): ReadonlyMap<number, boolean> {
  return new Map(
    chunks.flatMap(({ samples }) =>
      samples.map(({ sample, label, prediction }) => [sample, label === prediction]),
    ),
  );
}
