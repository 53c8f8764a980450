import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';

import { describeSchemaError, RevatError } from '@revat/core';
import { createFolder, writeJsonAtomically } from '@revat/distributed';
import { readSafetensors, toFloat32, writeSafetensors } from '@revat/models';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';

import type { EpochRecord } from './history.js';
import { hashFile, readJson, type RunFolder } from './run-folder.js';

/**
 * Where a run stands: which stage, epoch and step come next, and every variable that decides what follows (weights,
 * moments of the optimiser, weight averages). A run continued from it gives the numbers of one that never stopped.
 * `training/state.json` names the file with the variables and its SHA-256 and is replaced last, so a crash at any moment
 * leaves the state before or the state after.
 */
export interface Position {
  /** Index of the stage; equal to the number of stages when training is over. */
  readonly stage: number;
  /** Epochs and steps of the current epoch already done in this stage. */
  readonly epoch: number;
  readonly step: number;
  /** Sums over the steps of the current epoch. */
  readonly lossSum: number;
  readonly correct: number;
  /** Training passes of the model, which key its stochastic depth. */
  readonly trainingPasses: number;
}

export interface TrainingState {
  readonly position: Position;
  readonly history: readonly EpochRecord[];
}

export const START: TrainingState = {
  position: { stage: 0, epoch: 0, step: 0, lossSum: 0, correct: 0, trainingPasses: 0 },
  history: [],
};

const epochRecordSchema = z.strictObject({
  stage: z.string(),
  epoch: z.int(),
  totalEpochs: z.int(),
  learningRate: z.number(),
  eps: z.number(),
  trainLoss: z.number(),
  trainAccuracy: z.number(),
  cleanAccuracy: z.number(),
  robustAccuracy: z.number().optional(),
  seconds: z.number(),
  imagesPerSecond: z.number(),
  dataWait: z.number(),
});

const stateSchema = z.object({
  recipeHash: z.string(),
  position: z.object({
    stage: z.int().min(0),
    epoch: z.int().min(0),
    step: z.int().min(0),
    lossSum: z.number(),
    correct: z.number(),
    trainingPasses: z.int().min(0),
  }),
  history: z.array(epochRecordSchema),
  variables: z.object({ file: z.string().regex(/^[\w.-]+$/), sha256: z.string() }).nullable(),
});

const folderOf = (run: RunFolder) => path.join(run.path, 'training');

/** Saves the state; `variables` by name, absent when no stage is under way. Throws 'io'. */
export async function saveTrainingState(
  run: RunFolder,
  state: TrainingState,
  variables: ReadonlyMap<string, tf.Variable> = new Map(),
): Promise<void> {
  const folder = folderOf(run);
  createFolder(folder);
  const { stage, epoch, step } = state.position;
  const file = `variables-${stage}-${epoch}-${step}.safetensors`;
  if (variables.size > 0) {
    const tensors = new Map(
      [...variables].map(([name, variable]) => [
        name,
        {
          dtype: 'F32' as const,
          shape: variable.shape,
          data: async () => (await variable.data()) as Float32Array,
        },
      ]),
    );
    await writeSafetensors(path.join(folder, file), tensors, { recipeHash: run.hash });
  }
  writeJsonAtomically(path.join(folder, 'state.json'), {
    recipeHash: run.hash,
    ...state,
    variables: variables.size > 0 ? { file, sha256: hashFile(path.join(folder, file)) } : null,
  });
  for (const name of readdirSync(folder))
    if (name.startsWith('variables-') && (variables.size === 0 || name !== file))
      rmSync(path.join(folder, name));
}

/** The stored state, and a function that puts the stored variables back. Throws 'invalid-file' or 'mismatch'. */
export async function loadTrainingState(run: RunFolder): Promise<{
  state: TrainingState;
  restore: (variables: ReadonlyMap<string, tf.Variable>) => Promise<void>;
}> {
  const file = path.join(folderOf(run), 'state.json');
  if (!existsSync(file)) return { state: START, restore: async () => {} };
  const document = readJson(file);
  const parsed = stateSchema.safeParse(document);
  if (!parsed.success) throw damaged(file, describeSchemaError(parsed.error, document));
  const { recipeHash, position, history, variables } = parsed.data;
  if (recipeHash !== run.hash || position.stage > run.recipe.stages.length)
    throw new RevatError(
      'mismatch',
      `resume: ${file} belongs to another recipe. Start again in another --out.`,
    );
  if (!variables) return { state: { position, history }, restore: async () => {} };
  const stored = path.join(folderOf(run), variables.file);
  if (!existsSync(stored)) throw damaged(stored, 'it is missing');
  if (hashFile(stored) !== variables.sha256)
    throw damaged(stored, 'its SHA-256 is not the one recorded when it was written');
  return { state: { position, history }, restore: (target) => restoreVariables(stored, target) };
}

async function restoreVariables(file: string, variables: ReadonlyMap<string, tf.Variable>): Promise<void> {
  const { tensors } = await readSafetensors(file);
  for (const [name, variable] of variables) {
    const stored = tensors.get(name);
    if (!stored || stored.shape.join() !== variable.shape.join())
      throw damaged(file, `${name} is missing or of another shape`);
    tf.tidy(() => variable.assign(tf.tensor(toFloat32(stored), variable.shape, 'float32')));
  }
}

function damaged(file: string, why: string): RevatError {
  return new RevatError('invalid-file', `resume: ${file} is damaged: ${why}. Start again in another --out.`);
}
