import { RevatError } from '@revat/core';

import type { RandAugmentOptions } from './augmentation-options.js';
import { RAND_AUGMENT_OPERATIONS, RAND_AUGMENT_SETS } from './rand-augment-operations.js';

const DEFAULTS: RandAugmentOptions = {
  operations: RAND_AUGMENT_SETS.fixed,
  magnitude: 10,
  magnitudeStd: 0,
  magnitudeMax: 10,
  layers: 2,
  probability: 0.5,
  interpolation: 'bicubic',
  fill: [0, 0, 0],
};

/** Above this standard deviation timm draws the magnitude uniformly. */
const UNIFORM_STD = 100;

/**
 * The options of timm's string, e.g. "rand-m9-mstd0.5-inc1": m magnitude (integer), n operations per image, p probability of
 * each, mstd standard deviation of the magnitude (above 100: uniform), mmax largest magnitude, inc operations that grow with
 * the magnitude (any number means yes, also inc0, as in timm up to 1.0.29), t a set of operations: "3a" as in timm, or
 * "geometric" (not in timm). Throws 'invalid-argument' for anything else, where timm would ignore it or fail later.
 */
export function parseRandAugment(
  text: string,
  overrides: Partial<RandAugmentOptions> = {},
): RandAugmentOptions {
  const [variant, ...sections] = text.split('-');
  if (variant !== 'rand') throw invalid(text, `it must begin with "rand", not "${variant}"`);
  const parsed: { -readonly [Key in keyof RandAugmentOptions]?: RandAugmentOptions[Key] } = {};
  let increasing = false;
  let set: keyof typeof RAND_AUGMENT_SETS | undefined;
  const seen = new Set<string>();
  for (const section of sections) {
    const [, key, value] = /^(mstd|mmax|inc|m|n|p|t)(.*)$/.exec(section) ?? [];
    if (key === undefined) throw invalid(text, `the section "${section}" is unknown`);
    if (seen.has(key)) throw invalid(text, `"${key}" is given twice`);
    seen.add(key);
    if (key === 't') set = operationSet(text, value);
    else if (key === 'inc') increasing = sectionNumber(text, section, value, true) >= 0;
    else if (key === 'm') parsed.magnitude = sectionNumber(text, section, value, true);
    else if (key === 'n') parsed.layers = sectionNumber(text, section, value, true);
    else if (key === 'p') parsed.probability = sectionNumber(text, section, value, false);
    else if (key === 'mmax') parsed.magnitudeMax = sectionNumber(text, section, value, true);
    else {
      const std = sectionNumber(text, section, value, false);
      parsed.magnitudeStd = std > UNIFORM_STD ? Infinity : std;
    }
  }
  return checkRandAugment({
    ...DEFAULTS,
    operations: RAND_AUGMENT_SETS[set ?? (increasing ? 'increasing' : 'fixed')],
    ...parsed,
    ...overrides,
  });
}

/** The options themselves. Throws 'invalid-argument' or 'unknown-name' for what cannot be run. */
export function checkRandAugment(options: RandAugmentOptions): RandAugmentOptions {
  const { operations, layers, magnitude, magnitudeMax, magnitudeStd, probability } = options;
  const unknown = operations.find((name) => !Object.hasOwn(RAND_AUGMENT_OPERATIONS, name));
  if (unknown !== undefined)
    throw new RevatError(
      'unknown-name',
      `randAugment: unknown operation "${unknown}". Use ${Object.keys(RAND_AUGMENT_OPERATIONS).join(', ')}.`,
    );
  const requirements: [boolean, string][] = [
    [operations.length > 0, 'operations must not be empty'],
    [
      Number.isInteger(layers) && layers >= 1 && layers <= 100,
      `layers must be an integer from 1 to 100, got ${layers}`,
    ],
    [magnitudeMax > 0 && Number.isFinite(magnitudeMax), `magnitudeMax must be > 0, got ${magnitudeMax}`],
    [magnitude >= 0 && Number.isFinite(magnitude), `magnitude must be >= 0, got ${magnitude}`],
    [magnitudeStd >= 0, `magnitudeStd must be >= 0, got ${magnitudeStd}`],
    [probability >= 0 && probability <= 1, `probability must be from 0 to 1, got ${probability}`],
  ];
  const failed = requirements.find(([met]) => !met);
  if (failed) throw new RevatError('invalid-argument', `randAugment: ${failed[1]}.`);
  return options;
}

function operationSet(text: string, name: string): keyof typeof RAND_AUGMENT_SETS {
  if (name === '3a' || name === 'geometric') return name;
  throw invalid(text, `the set of operations "${name}" is unknown (3a, geometric)`);
}

function sectionNumber(text: string, section: string, value: string, integer: boolean): number {
  const pattern = integer ? /^\d{1,4}$/ : /^(\d{1,6}(\.\d{0,9})?|\.\d{1,9})$/;
  if (pattern.test(value)) return Number(value);
  throw invalid(text, `"${section}" needs ${integer ? 'an integer' : 'a number'} >= 0 after its letters`);
}

function invalid(text: string, reason: string): RevatError {
  return new RevatError(
    'invalid-argument',
    `randAugment: cannot read "${text}": ${reason}. Write it like "rand-m9-mstd0.5-inc1" ` +
      '(sections m, n, p, mstd, mmax, inc, t).',
  );
}
