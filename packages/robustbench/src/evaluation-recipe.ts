import { readFileSync } from 'node:fs';

import { RevatError } from '@revat/core';

import { hashWeights, type EvaluatedModel } from './evaluated-model.js';
import type { ChunkedData } from './evaluation-data.js';

/** What decides every verdict of a model on these data, beside the attack: the common part of all journal headers. */
export interface EvaluationRecipe {
  readonly revat: string;
  readonly model: { readonly id: string; readonly weights: string | null };
  readonly data: { readonly name: string; readonly samples: number; readonly selection: string };
  /** Images per chunk. */
  readonly batchSize: number;
  readonly seed: number;
}

/** The recipe of a model, whose weights are read and hashed. Throws 'invalid-argument' for a seed that is no integer. */
export async function evaluationRecipe(
  model: EvaluatedModel,
  { name, samples, selection }: ChunkedData,
  { batchSize, seed }: { batchSize: number; seed: number },
): Promise<EvaluationRecipe> {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new RevatError('invalid-argument', `evaluate: seed must be an integer >= 0, got ${seed}.`);
  return {
    revat: packageVersion(),
    model: { id: model.id, weights: await hashWeights(model) },
    data: { name, samples, selection },
    batchSize,
    seed,
  };
}

/** Version of this package; all packages of revat are published together. */
export function packageVersion(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
