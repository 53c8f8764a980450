import type { ModelOptions } from '../registry.js';
import type { Model } from '../model.js';
import type { TensorFile } from './tensor-file.js';

/** What `saveWeights` notes in the metadata of a file: how to build the model. */
export interface ModelDescription {
  readonly name: string;
  readonly config: ModelOptions;
}

const KEY = 'revat';

/** The metadata entries that describe a model. */
export function describeModel(model: Model): Record<string, string> {
  return { [KEY]: JSON.stringify({ name: model.name, config: model.config }) };
}

/** The description in a file; undefined where there is none or it is unreadable. Its values are not checked. */
export function readDescription(file: TensorFile): ModelDescription | undefined {
  const text = file.metadata[KEY];
  const stored = text === undefined ? undefined : parse(text);
  if (typeof stored?.name !== 'string' || typeof stored.config !== 'object' || stored.config === null)
    return undefined;
  return { name: stored.name, config: stored.config };
}

function parse(text: string): { name?: unknown; config?: unknown } | null | undefined {
  try {
    return JSON.parse(text) as { name?: unknown; config?: unknown } | null;
  } catch {
    return undefined;
  }
}
