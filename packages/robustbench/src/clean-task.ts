import { checkModel, type Finding, type ModelReport } from '@revat/attacks';
import * as tf from '@tensorflow/tfjs-core';

import type { EvaluatedModel } from './evaluated-model.js';
import type { Chunk } from './evaluation-data.js';
import type { EvaluationRecipe } from './evaluation-recipe.js';
import type { EvaluationTask, FinishedRun } from './evaluation-run.js';
import type { SampleRecord } from './journal.js';
import type { AttackHooks } from './model-evaluation.js';
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

export interface CleanSummary extends PassCounts {
  /** What the model doctor says; it looks at the first chunk. */
  readonly findings: readonly Finding[];
}

export type CleanRun = FinishedRun<CleanRecord, CleanSummary>;

/** Images that the model doctor looks at. */
const EXAMINED_IMAGES = 64;

/** Clean predictions of a model, and its examination by the model doctor. */
export function cleanTask(
  model: EvaluatedModel,
  recipe: EvaluationRecipe,
  { signal }: AttackHooks,
): EvaluationTask<CleanRecord, CleanSummary> {
  return {
    folder: `${model.id}/clean`,
    recipe: { task: 'clean', ...recipe },
    evaluate: async (chunk, index) => {
      const { images, labels, sampleIds } = chunk;
      const predictions = await predict(model.classify, images);
      const report = index === 0 ? await examine(model, chunk, signal) : UNEXAMINED;
      return {
        samples: predictions.map(({ class: prediction, confidence }, i) => ({
          sample: sampleIds[i],
          label: labels[i],
          prediction,
          confidence,
        })),
        summary: {
          forward: sampleIds.length + report.forwardImages,
          backward: report.backwardImages,
          findings: report.findings,
        },
      };
    },
  };
}

const UNEXAMINED = { findings: [], forwardImages: 0, backwardImages: 0 };

async function examine(
  model: EvaluatedModel,
  { images, labels }: Chunk,
  signal: AbortSignal | undefined,
): Promise<Pick<ModelReport, 'findings' | 'forwardImages' | 'backwardImages'>> {
  const count = Math.min(EXAMINED_IMAGES, labels.length);
  const some = tf.slice(images, 0, count);
  try {
    return await checkModel(model.classify, some, labels.subarray(0, count), { signal });
  } finally {
    some.dispose();
  }
}

/** Whether each sample is classified correctly, by sample id. */
export function cleanVerdicts({ chunks }: CleanRun): ReadonlyMap<number, boolean> {
  return new Map(
    chunks.flatMap(({ samples }) =>
      samples.map(({ sample, label, prediction }) => [sample, label === prediction]),
    ),
  );
}
