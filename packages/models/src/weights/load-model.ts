import { RevatError } from '@revat/core';
import type { Model } from '../model.js';
import { createModel } from '../registry.js';
import { openCheckpoint, type CheckpointOptions } from './checkpoint.js';
import { loadFile } from './load-weights.js';
import { readDescription } from './model-description.js';
import type { WeightSource } from './source.js';

/**
 * Rebuilds the model that `saveWeights` wrote: its configuration stands in the file. The caller disposes it. Throws
 * RevatError 'invalid-argument' for files without a configuration: build the model and use `loadWeights` for those.
 */
export async function loadModel(source: WeightSource, options: CheckpointOptions = {}): Promise<Model> {
  const file = await openCheckpoint(source, options);
  try {
    const description = readDescription(file);
    if (description === undefined) {
      throw new RevatError(
        'invalid-argument',
        `loadModel: ${file.name} does not say which model it belongs to. Use createModel and loadWeights.`,
      );
    }
    const model = createModel(description.name, description.config, { deferred: true });
    await loadFile(model, file).catch((error: unknown) => {
      model.dispose();
      throw error;
    });
    return model;
  } finally {
    await file.close();
  }
}
