import type { ProgressEvent } from '@revat/attacks';
import { RevatError } from '@revat/core';

import { cleanTask, cleanVerdicts, type CleanRecord, type CleanRun, type PassCounts } from './clean-task.js';
import { WHOLE } from '@revat/distributed';

import { checkModelIds, type EvaluatedModel } from './evaluated-model.js';
import { chunkData, type ChunkedData } from './evaluation-data.js';
import type { EvaluationOptions, EvaluationPart } from './evaluation-options.js';
import { evaluationRecipe, type EvaluationRecipe } from './evaluation-recipe.js';
import { freezeVariables } from './freeze-variables.js';
import { runTask, type EvaluationTask, type FinishedRun } from './evaluation-run.js';
import type { SampleRecord } from './journal.js';

/** One model with everything its threat models and radius curves have in common. */
export interface ModelEvaluation {
  readonly model: EvaluatedModel;
  readonly recipe: EvaluationRecipe;
  readonly clean: CleanRun;
  /** Whether the clean image is classified correctly, by sample id. */
  readonly isCorrect: ReadonlyMap<number, boolean>;
  /** Evaluates one more part of this model; `counts` says which samples the progress counts as correct. */
  run<S extends SampleRecord, C extends PassCounts>(
    part: EvaluationPart,
    makeTask: (hooks: AttackHooks) => EvaluationTask<S, C>,
    counts: (sample: S) => boolean,
  ): Promise<FinishedRun<S, C>>;
}

/** What a task hands to the attacks it runs. */
export interface AttackHooks {
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: ProgressEvent) => void;
}

/** Images per chunk where none is given. */
export const DEFAULT_BATCH_SIZE = 100;

/** Clean predictions of every model, then `work` for each of them in turn. */
export async function forEachModel(
  options: EvaluationOptions,
  work: (evaluation: ModelEvaluation) => Promise<void>,
): Promise<void> {
  const models = options.models ?? (options.model ? [options.model] : []);
  if (models.length === 0)
    throw new RevatError(
      'invalid-argument',
      'evaluate: no model given. Give model, or models with at least one.',
    );
  checkModelIds(models);
  const { batchSize = DEFAULT_BATCH_SIZE, seed = 0 } = options;
  const data = chunkData(options.data, batchSize, options.samples);
  freezeVariables();
  for (const model of models) {
    const recipe = await evaluationRecipe(model, data, { batchSize, seed });
    const run: ModelEvaluation['run'] = (part, makeTask, counts) =>
      runPart(model, data, options, part, makeTask, counts);
    const isRight = ({ label, prediction }: CleanRecord) => label === prediction;
    const clean = await run({ kind: 'clean' }, (hooks) => cleanTask(model, recipe, hooks), isRight);
    await work({ model, recipe, clean, isCorrect: cleanVerdicts(clean), run });
  }
}

async function runPart<S extends SampleRecord, C extends PassCounts>(
  model: EvaluatedModel,
  data: ChunkedData,
  options: EvaluationOptions,
  part: EvaluationPart,
  makeTask: (hooks: AttackHooks) => EvaluationTask<S, C>,
  counts: (sample: S) => boolean,
): Promise<FinishedRun<S, C>> {
  const { onEvent, signal } = options;
  const about = { model: model.id, part, total: shardSize(data, options) };
  let [done, correct] = [0, 0];
  const onProgress = ({ attack, finished, total: attacked, broken }: ProgressEvent) =>
    onEvent?.({ ...about, type: 'attack', done, attack, attacked, finished, broken });
  onEvent?.({ ...about, type: 'begin' });
  const task = makeTask({ signal, onProgress: onEvent && onProgress });
  const run = await runTask(task, data, options, ({ samples, commit: { forward, backward } }, resumed) => {
    done += samples.length;
    correct += samples.filter(counts).length;
    onEvent?.({ ...about, type: 'chunk', done, correct, forward, backward, resumed });
  });
  onEvent?.({ ...about, type: 'end', correct, seconds: run.seconds });
  return run;
}

/** Images of the chunks that this process evaluates. */
function shardSize(data: ChunkedData, { shard = WHOLE }: EvaluationOptions): number {
  const sizes = Array.from({ length: data.chunks }, (_, i) =>
    i % shard.count === shard.rank ? data.chunkSize(i) : 0,
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
