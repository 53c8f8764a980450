import { RevatError } from '@revat/core';
import type { StemOption } from '@revat/stems';
import type { Normalization } from './normalization.js';

/** What every family takes. */
export interface CommonConfig {
  /** Classes K. Default 1000. */
  readonly numClasses: number;
  /** Side of the images in pixels. Default 224. */
  readonly imageSize: number;
  /** Channels of the images. Default 3. */
  readonly inChannels: number;
  /** Applied to images in [0, 1] before the network. Default 'none', as in the paper's released ConvNeXts. */
  readonly normalization: Normalization;
  /** Seed of the initial values and of stochastic depth. Default 0. */
  readonly seed: number;
}

/** Families with a choice of stems. */
export interface StemConfig {
  /** `native`, `patch`, `conv`, a stem of the paper's Tables 7 to 9, or an explicit one. Default: as the family was published. */
  readonly stem: StemOption;
}

/** Families with stochastic depth. */
export interface DropPathConfig {
  /** Probability with which the last block's residual branch is dropped in training; the first block's is 0. Default 0. */
  readonly dropPath: number;
}

/** A resolved configuration: plain data. */
export type ModelConfig = CommonConfig & Readonly<Record<string, unknown>>;

export const COMMON_DEFAULTS: CommonConfig = {
  numClasses: 1000,
  imageSize: 224,
  inChannels: 3,
  normalization: 'none',
  seed: 0,
};

/** Merges options over defaults. Throws RevatError 'invalid-argument' on a key that the family does not know. */
export function mergeOptions<C extends CommonConfig>(
  name: string,
  defaults: C,
  options: Readonly<Record<string, unknown>>,
): C {
  for (const key of Object.keys(options)) {
    if (!Object.hasOwn(defaults, key)) {
      throw new RevatError(
        'invalid-argument',
        `${name}: unknown option '${key}'. Known: ${Object.keys(defaults).join(', ')}.`,
      );
    }
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const config: C = { ...defaults, ...given };
  requireIntegers(name, {
    numClasses: config.numClasses,
    imageSize: config.imageSize,
    inChannels: config.inChannels,
  });
  if (!Number.isSafeInteger(config.seed))
    throw new RevatError('invalid-argument', `${name}: seed must be an integer, got ${String(config.seed)}.`);
  return config;
}

/** Throws RevatError 'invalid-argument' unless every value is a positive integer or a list of such. */
export function requireIntegers(name: string, values: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(values)) {
    const list: unknown[] = Array.isArray(value) ? value : [value];
    if (list.length > 0 && list.every((entry) => Number.isInteger(entry) && (entry as number) > 0)) continue;
    throw new RevatError(
      'invalid-argument',
      `${name}: ${key} must be ${Array.isArray(value) ? 'a list of positive integers' : 'a positive integer'}, got ${JSON.stringify(value)}.`,
    );
  }
}

/** Throws RevatError 'invalid-argument' unless every value is a number above 0. */
export function requirePositive(name: string, values: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(values)) {
    if (typeof value === 'number' && value > 0 && value < Infinity) continue;
    throw new RevatError(
      'invalid-argument',
      `${name}: ${key} must be a number > 0, got ${JSON.stringify(value)}.`,
    );
  }
}

/** Throws RevatError 'invalid-argument' unless the initial layer scale is a number or null. */
export function requireLayerScale(name: string, layerScale: unknown): void {
  if (layerScale === null || (typeof layerScale === 'number' && Number.isFinite(layerScale))) return;
  throw new RevatError(
    'invalid-argument',
    `${name}: layerScale must be a number or null, got ${JSON.stringify(layerScale)}.`,
  );
}

/** Throws RevatError 'invalid-argument' unless the drop rate is in [0, 1). */
export function requireDropPath(name: string, rate: number): void {
  if (rate >= 0 && rate < 1) return;
  throw new RevatError('invalid-argument', `${name}: dropPath must be in [0, 1), got ${rate}.`);
}
