import { isRevatError, RevatError } from '@revat/core';
import { createLoader, type ImageDataset } from '@revat/data';
import type { Model } from '@revat/models';

import type { EpochRecord, TrainEvent } from './history.js';
import { openRecipeData } from './recipe-data.js';
import { parseRecipe, type Recipe, type RecipeInput, type Stage } from './recipe.js';
import { openRunFolder, type RunFolder } from './run-folder.js';
import {
  createRecipeModel,
  findStageCheckpoint,
  loadStageModel,
  saveStageCheckpoint,
  type StageCheckpoint,
} from './stage-checkpoint.js';
import { trainStage, type BatchSource } from './train-stage.js';
import {
  loadTrainingState,
  saveTrainingState,
  START,
  type Position,
  type TrainingState,
} from './training-state.js';
import { readValidationSet, type ValidationSet } from './validation.js';

export interface TrainOptions {
  /** Folder of the run: recipe, checkpoints, state. */
  readonly out: string;
  /** Go on with the run in `out` instead of starting one. */
  readonly resume?: boolean;
  readonly onEvent?: (event: TrainEvent) => void;
  /** Stops after the step under way; the state is saved first, and 'aborted' thrown. */
  readonly signal?: AbortSignal;
  /** Worker threads that prepare images; default 0. */
  readonly workers?: number;
}

export interface TrainResult {
  readonly run: RunFolder;
  readonly history: readonly EpochRecord[];
  /** The weights that each stage ended with, in order. */
  readonly checkpoints: readonly StageCheckpoint[];
}

/**
 * Trains through all stages of a recipe, each from the weights of the one before: the paper's clean pre-training ->
 * adversarial training -> fine-tuning to a larger radius (section 3, appendix A). A run of the same recipe gives the
 * same numbers, also when it was stopped and resumed. Uses the current tfjs backend; leaves no tensors behind.
 *
 * Throws 'invalid-argument' or 'unknown-name' for a bad recipe, 'mismatch', 'invalid-file' or 'io' for an unusable
 * folder, 'bad-model' when the loss diverges, 'aborted' when the signal fires.
 */
export async function train(recipe: RecipeInput, options: TrainOptions): Promise<TrainResult> {
  const checked = parseRecipe(recipe);
  const data = openRecipeData(checked);
  const run = openRunFolder(options.out, checked, options);
  const { state, restore } = await loadTrainingState(run);
  const validationSet = await readValidationSet(data, checked.data.imageSize, checked.validation.images);
  const source = (stage: Stage) => batchSource(data.train, checked, stage, options.workers ?? 0);
  let history = state.history;
  for (let index = state.position.stage; index < checked.stages.length; index++) {
    const resumesHere = index === state.position.stage && !isStart(state.position);
    const stageState: TrainingState = {
      position: resumesHere ? state.position : { ...START.position, stage: index },
      history,
    };
    history = await runStage(run, index, stageState, {
      options,
      validationSet,
      source: source(checked.stages[index]),
      restore: resumesHere ? restore : undefined,
    });
  }
  const checkpoints = checked.stages.map(({ name }) => findStageCheckpoint(run, name));
  return { run, history, checkpoints };
}

const isStart = ({ epoch, step }: Position) => epoch === 0 && step === 0;

interface StageParts {
  readonly options: TrainOptions;
  readonly validationSet: ValidationSet;
  readonly source: BatchSource & { close(): Promise<void> };
  readonly restore?: Parameters<typeof trainStage>[0]['restore'];
}

async function runStage(
  run: RunFolder,
  index: number,
  { position, history }: TrainingState,
  { options, validationSet, source, restore }: StageParts,
): Promise<readonly EpochRecord[]> {
  const stage = run.recipe.stages[index];
  const model = await initialModel(run, index);
  try {
    const { recipe } = run;
    const { signal, onEvent } = options;
    const save = async (
      at: Position,
      records: readonly EpochRecord[],
      variables: Parameters<typeof saveTrainingState>[2],
    ) => saveTrainingState(run, { position: at, history: records }, variables);
    const records = await trainStage(
      { recipe, stage, index, model, source, validationSet, signal, onEvent, restore, save },
      position,
      history,
    );
    const { weights } = await saveStageCheckpoint(run, model, records[records.length - 1]);
    await saveTrainingState(run, { position: { ...START.position, stage: index + 1 }, history: records });
    onEvent?.({ type: 'stage-end', stage: stage.name, checkpoint: weights });
    return records;
  } finally {
    model.dispose();
    await source.close();
  }
}

/** The first stage starts from the initialisation (or given weights), later ones from the stage before. */
async function initialModel(run: RunFolder, index: number): Promise<Model> {
  if (index === 0) return createRecipeModel(run);
  return loadStageModel(run, run.recipe.stages[index - 1].name);
}

function batchSource(
  dataset: ImageDataset,
  recipe: Recipe,
  stage: Stage,
  workers: number,
): StageParts['source'] {
  const loader = stageLoader(dataset, recipe, stage, workers);
  return {
    classes: dataset.classNames.length,
    stepsPerEpoch: loader.batchesPerEpoch,
    epoch: (epoch, fromStep) => loader.epoch(epoch, fromStep * stage.batchSize),
    recycle: (batch) => loader.recycle(batch),
    close: () => loader.close(),
  };
}

function stageLoader(dataset: ImageDataset, recipe: Recipe, stage: Stage, workers: number) {
  try {
    return createLoader(dataset, {
      batchSize: stage.batchSize,
      imageSize: recipe.data.imageSize,
      augmentation: stage.augmentation as Parameters<typeof createLoader>[1]['augmentation'],
      shuffle: true,
      dropLast: true,
      seed: recipe.seed,
      workers,
    });
  } catch (cause) {
    if (!isRevatError(cause)) throw cause;
    throw new RevatError(cause.code, `recipe: stage ${stage.name}: ${cause.message}`, { cause });
  }
}
