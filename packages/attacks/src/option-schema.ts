import { NORM_NAMES, parseNorm, parseRadius, RevatError, type NormName } from '@revat/core';

/**
 * Options of an attack as data: the factory validates with them, documentation and the command line print them.
 * A resolved set of options is frozen and survives JSON.
 */
export interface OptionField<T, Optional extends boolean = boolean> {
  readonly kind: 'norm' | 'radius' | 'integer' | 'number' | 'boolean' | 'choice' | 'list';
  readonly description: string;
  readonly optional: Optional;
  /** What an absent option becomes; undefined where the attack decides later. */
  readonly default?: T;
  readonly choices?: readonly string[];
  /** The value, checked; `where` names it in the error. Throws 'invalid-argument' or 'unknown-name'. */
  readonly parse: (value: unknown, where: string) => T;
}

export type OptionSchema = Readonly<Record<string, OptionField<unknown>>>;

type OptionalKeys<S extends OptionSchema> = {
  [K in keyof S]: S[K] extends OptionField<unknown, true> ? K : never;
}[keyof S];

/** What a factory takes: fields with a default may be left out; radii may be text such as "4/255". */
export type GivenOptions<S extends OptionSchema> = {
  readonly [K in Exclude<keyof S, OptionalKeys<S>>]: GivenValue<S[K]>;
} & {
  readonly [K in OptionalKeys<S>]?: GivenValue<S[K]>;
};
type GivenValue<F> = F extends { readonly kind: 'radius' }
  ? number | string
  : F extends OptionField<infer T>
    ? T
    : never;

/** What an attack works with. */
export type ResolvedOptions<S extends OptionSchema> = {
  readonly [K in keyof S]: S[K] extends OptionField<infer T> ? T : never;
};

/**
 * Options checked against a schema, completed with its defaults, and frozen.
 * Throws 'invalid-argument' for an unknown, missing or wrong option.
 */
export function resolveOptions<S extends OptionSchema>(
  attack: string,
  schema: S,
  given: object,
): ResolvedOptions<S> {
  if (typeof given !== 'object' || given === null) {
    throw new RevatError('invalid-argument', `${attack}: options must be an object, got ${String(given)}.`);
  }
  const values = given as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(values)) {
    if (Object.hasOwn(schema, name)) continue;
    throw new RevatError(
      'invalid-argument',
      `${attack}: unknown option "${name}". Known options: ${Object.keys(schema).join(', ')}.`,
    );
  }
  const resolved: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(schema)) {
    const value = values[name];
    if (value !== undefined) resolved[name] = field.parse(value, `${attack}: ${name}`);
    else if (field.optional) resolved[name] = field.default;
    else {
      throw new RevatError(
        'invalid-argument',
        `${attack}: option "${name}" is missing (${field.description}).`,
      );
    }
  }
  return Object.freeze(resolved) as ResolvedOptions<S>;
}

export function normOption(choices: readonly NormName[] = NORM_NAMES) {
  const parse = (value: unknown, where: string): NormName => {
    const norm = parseNorm(String(value), where);
    if (choices.includes(norm)) return norm;
    throw new RevatError(
      'invalid-argument',
      `${where}: ${norm} is not supported here. Use ${choices.join(' or ')}.`,
    );
  };
  const field: OptionField<NormName, false> & { readonly kind: 'norm' } = {
    kind: 'norm',
    description: 'norm of the ball',
    optional: false,
    choices,
    parse,
  };
  return field;
}

export function radiusOption(description = 'radius of the ball in input units, e.g. 4/255') {
  const parse = (value: unknown, where: string): number => {
    if (typeof value === 'number' && !(value > 0 && Number.isFinite(value))) {
      throw new RevatError(
        'invalid-argument',
        `${where} must be > 0, got ${value}. Give it in input units, e.g. 8/255.`,
      );
    }
    return parseRadius(value as number | string, where);
  };
  const field: OptionField<number, false> & { readonly kind: 'radius' } = {
    kind: 'radius',
    description,
    optional: false,
    parse,
  };
  return field;
}

export function integerOption(description: string, fallback: number, min = 1): OptionField<number, true> {
  const parse = (value: unknown, where: string): number => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min) return value;
    throw new RevatError(
      'invalid-argument',
      `${where} must be a whole number >= ${min}, got ${String(value)}.`,
    );
  };
  return { kind: 'integer', description, optional: true, default: fallback, parse };
}

/** A finite number > 0, or >= 0 where `allowZero`; without a fallback the attack decides. */
export function numberOption<F extends number | undefined>(
  description: string,
  fallback: F,
  { allowZero = false, max = Infinity } = {},
): OptionField<number | F, true> {
  const parse = (value: unknown, where: string): number => {
    if (
      typeof value === 'number' &&
      Number.isFinite(value) &&
      value <= max &&
      (value > 0 || (allowZero && value === 0))
    ) {
      return value;
    }
    const range = `${allowZero ? '>= 0' : '> 0'}${max < Infinity ? ` and <= ${max}` : ''}`;
    throw new RevatError('invalid-argument', `${where} must be a number ${range}, got ${String(value)}.`);
  };
  return { kind: 'number', description, optional: true, default: fallback, parse };
}

export function booleanOption(description: string, fallback: boolean): OptionField<boolean, true> {
  const parse = (value: unknown, where: string): boolean => {
    if (typeof value === 'boolean') return value;
    throw new RevatError('invalid-argument', `${where} must be true or false, got ${String(value)}.`);
  };
  return { kind: 'boolean', description, optional: true, default: fallback, parse };
}

export function choiceOption<T extends string>(
  description: string,
  choices: readonly T[],
  fallback: T,
): OptionField<T, true> {
  const parse = (value: unknown, where: string): T => {
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    throw new RevatError(
      'invalid-argument',
      `${where} must be one of ${choices.join(', ')}; got ${String(value)}.`,
    );
  };
  return { kind: 'choice', description, optional: true, default: fallback, choices, parse };
}
