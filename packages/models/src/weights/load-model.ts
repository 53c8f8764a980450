import { RevatError } from '@revat/core';
import type { Model } from '../model.js';
import { createModel, type ModelOptions } from '../registry.js';
import { openCheckpoint, type CheckpointOptions } from './checkpoint.js';
import { loadFile } from './load-weights.js';
import { MODEL_METADATA } from './save-weights.js';
import type { WeightSource } from './source.js';
import type { TensorFile } from './tensor-file.js';

/**
 * Rebuilds the model that `saveWeights` wrote: its configuration stands in the file. The caller disposes it. Throws
 * RevatError 'invalid-argument' for files without a configuration: build the model and use `loadWeights` for those.
 */
export async function loadModel(source: WeightSource, options: CheckpointOptions = {}): Promise<Model> {
  const file = await openCheckpoint(source, options);
  try {
    const { name, config } = readConfiguration(file);
    const model = createModel(name, config, { deferred: true });
    await loadFile(model, file, true).catch((error: unknown) => {
      model.dispose();
      throw error;
    });
    return model;
  } finally {
    await file.close();
  }
}

function readConfiguration(file: TensorFile): { name: string; config: ModelOptions } {
  const text = file.metadata[MODEL_METADATA];
  if (text === undefined) {
    throw new RevatError(
      'invalid-argument',
      `loadModel: ${file.name} does not say which model it belongs to. Use createModel and loadWeights.`,
    );
  }
  const stored = parse(text);
  if (typeof stored?.name !== 'string' || typeof stored.config !== 'object' || stored.config === null) {
    throw new RevatError('invalid-file', `loadModel: ${file.name} describes its model in an unknown way.`);
  }
  return { name: stored.name, config: stored.config };
}

function parse(text: string): { name?: unknown; config?: unknown } | null {
  try {
    return JSON.parse(text) as { name?: unknown; config?: unknown } | null;
  } catch {
    return null;
  }
}
