import { RevatError } from '@revat/core';
import { convnext, type ConvNextConfig } from './convnext.js';
import type { Family } from './family.js';
import type { CommonConfig, StemConfig } from './model-config.js';
import type { Model } from './model.js';

/** The options of every family; each checks that it knows those it is given. */
export type ModelOptions = Partial<CommonConfig & StemConfig> & Partial<ConvNextConfig>;

interface Preset {
  readonly family: Family;
  readonly options: ModelOptions;
}

const CONVNEXT_B = { depths: [3, 3, 27, 3], convStem: 'table8-c2' };

/** Every name that `createModel` takes: a family, to be given its whole configuration, or one of its sizes. */
const PRESETS: Readonly<Record<string, Preset>> = {
  convnext: { family: convnext, options: {} },
  convnext_micro: {
    family: convnext,
    options: {
      imageSize: 32,
      depths: [1, 2, 1],
      dims: [32, 64, 128],
      downsampleStrides: [2, 2],
      layerScale: 0.1,
    },
  },
  convnext_tiny: { family: convnext, options: {} },
  convnext_small: { family: convnext, options: { depths: [3, 3, 27, 3] } },
  convnext_base: { family: convnext, options: { ...CONVNEXT_B, dims: [128, 256, 512, 1024] } },
  convnext_large: { family: convnext, options: { ...CONVNEXT_B, dims: [192, 384, 768, 1536] } },
};

/** The names that `createModel` takes. */
export function modelNames(): string[] {
  return Object.keys(PRESETS);
}

/**
 * Builds a network, e.g. `createModel('convnext_tiny', { stem: 'conv', numClasses: 10 })`. The options go over the
 * settings of the name. The caller disposes the model. With `deferred`, parameters are made when first needed: for counting,
 * and before loading weights. Throws RevatError 'unknown-name', 'invalid-argument' or 'mismatch'.
 */
export function createModel(
  name: string,
  options: ModelOptions = {},
  { deferred = false }: { deferred?: boolean } = {},
): Model {
  const preset = Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined;
  if (!preset) {
    throw new RevatError(
      'unknown-name',
      `models: no model is called '${name}'. Known: ${modelNames().join(', ')}.`,
    );
  }
  return preset.family.create(name, { ...preset.options, ...options }, deferred);
}
