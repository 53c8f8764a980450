import { existsSync } from 'node:fs';
import path from 'node:path';

import { RevatError } from '@revat/core';
import { writeJsonAtomically } from '@revat/distributed';
import { createModel, loadWeights, saveWeights, type Model } from '@revat/models';

import type { EpochRecord } from './history.js';
import { hashFile, readJson, type RunFolder } from './run-folder.js';

/** What lies beside the weights of a finished stage. */
export interface StageCheckpoint {
  readonly stage: string;
  /** Weight file, safetensors with timm's names; absolute path. */
  readonly weights: string;
  readonly sha256: string;
  readonly record: EpochRecord;
}

const fileOf = (run: RunFolder, stage: string, ending: string) =>
  path.join(run.path, 'checkpoints', `${stage}.${ending}`);

/** Writes the model's weights and, beside them, what they are. Throws 'io'. */
export async function saveStageCheckpoint(
  run: RunFolder,
  model: Model,
  record: EpochRecord,
): Promise<StageCheckpoint> {
  const weights = fileOf(run, record.stage, 'safetensors');
  await saveWeights(model, weights);
  const sha256 = hashFile(weights);
  writeJsonAtomically(fileOf(run, record.stage, 'json'), {
    recipeHash: run.hash,
    model: run.recipe.model,
    sha256,
    record,
  });
  return { stage: record.stage, weights, sha256, record };
}

/** The checkpoint of a finished stage, its file verified. Throws 'not-found', 'invalid-file' or 'mismatch'. */
export function findStageCheckpoint(run: RunFolder, stage: string): StageCheckpoint {
  const weights = fileOf(run, stage, 'safetensors');
  const metadataFile = fileOf(run, stage, 'json');
  if (!existsSync(weights) || !existsSync(metadataFile))
    throw new RevatError(
      'not-found',
      `checkpoint: ${weights} or its .json is missing. Start again in another --out.`,
    );
  const metadata = readJson(metadataFile) as { recipeHash?: string; sha256?: string; record?: EpochRecord };
  if (metadata.recipeHash !== run.hash)
    throw new RevatError(
      'mismatch',
      `checkpoint: ${metadataFile} belongs to another recipe. Start again in another --out.`,
    );
  if (hashFile(weights) !== metadata.sha256 || !metadata.record)
    throw new RevatError(
      'invalid-file',
      `checkpoint: ${weights} is damaged: its SHA-256 is not the one recorded when it was written. Start again in another --out.`,
    );
  return { stage, weights, sha256: metadata.sha256, record: metadata.record };
}

/** A new model with the weights of a finished stage; the caller disposes it. */
export async function loadStageModel(run: RunFolder, stage: string): Promise<Model> {
  const { weights } = findStageCheckpoint(run, stage);
  const model = createRecipeModel(run);
  await loadWeights(model, weights);
  return model;
}

/** A new, randomly initialised model of the run's recipe. Throws 'unknown-name' or 'invalid-argument'. */
export function createRecipeModel({ recipe }: RunFolder): Model {
  const { name, ...config } = recipe.model;
  return createModel(name, { imageSize: recipe.data.imageSize, seed: recipe.seed, ...config });
}
