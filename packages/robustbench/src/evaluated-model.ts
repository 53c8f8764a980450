import { createHash } from 'node:crypto';

import { RevatError, type Classifier } from '@revat/core';
import type { Variable } from '@tensorflow/tfjs-core';

/** A classifier with a name. */
export interface EvaluatedModel {
  /** Stable name for folders and tables: letters, digits, ".", "_" and "-". */
  readonly id: string;
  /** For people; default: the id. */
  readonly label?: string;
  readonly classify: Classifier;
  /** E.g. "convnext_tiny, ConvStem". */
  readonly architecture?: string;
  /** Trainable weights by name: hashed, so that a resumed evaluation cannot mix two models. */
  parameters?(): Map<string, Variable>;
  /** Other state by name (batch-norm statistics): hashed too. */
  buffers?(): Map<string, Variable>;
}

/** The part of a model of @revat/models that an evaluation needs. */
interface ModelToEvaluate {
  readonly name: string;
  readonly classify: Classifier;
  parameters(): Map<string, Variable>;
  buffers(): Map<string, Variable>;
}

/** A model of @revat/models under a name of its own. The model stays the caller's, who puts it in eval mode. */
export function evaluatedModel(
  model: ModelToEvaluate,
  { id, label, architecture = model.name }: { id: string; label?: string; architecture?: string },
): EvaluatedModel {
  return {
    id,
    label: label ?? id,
    architecture,
    classify: (images) => model.classify(images),
    parameters: () => model.parameters(),
    buffers: () => model.buffers(),
  };
}

/** Throws 'invalid-argument' unless the ids can name folders and differ, in any letter case. */
export function checkModelIds(models: readonly EvaluatedModel[]): void {
  const seen = new Set<string>();
  for (const { id } of models) {
    if (!/^[\w][\w.-]{0,99}$/.test(id))
      throw new RevatError(
        'invalid-argument',
        `evaluate: model id "${id}" cannot name a folder. Use letters, digits, ".", "_" and "-", at most 100.`,
      );
    if (seen.has(id.toLowerCase()))
      throw new RevatError(
        'invalid-argument',
        `evaluate: two models are called "${id}". Give each its own id.`,
      );
    seen.add(id.toLowerCase());
  }
}

/** Number of trainable values, null for a classifier that does not tell. */
export function parameterCount(model: EvaluatedModel): number | null {
  if (!model.parameters) return null;
  return [...model.parameters().values()].reduce((sum, { size }) => sum + size, 0);
}

/** sha256 over names, shapes and values of all weights, null for a classifier without any to read. */
export async function hashWeights(model: EvaluatedModel): Promise<string | null> {
  const weights = [...(model.parameters?.() ?? []), ...(model.buffers?.() ?? [])];
  if (weights.length === 0) return null;
  const hash = createHash('sha256');
  for (const [name, variable] of weights.sort(([a], [b]) => (a < b ? -1 : 1))) {
    const values = await variable.data();
    hash.update(JSON.stringify([name, variable.dtype, variable.shape]));
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest('hex');
}
