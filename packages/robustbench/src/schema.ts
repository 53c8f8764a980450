import { RevatError } from '@revat/core';

/** Checks one value of a parsed JSON document and returns it typed; `where` is the path to it, for the error. */
export type Check<T> = (value: unknown, where: string) => T;

/** The type that a check lets through. */
export type Checked<C> = C extends Check<infer T> ? T : never;

function refuse(where: string, wanted: string, value: unknown): never {
  const shown = value === undefined ? 'nothing' : JSON.stringify(value);
  const short = shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
  throw new RevatError('invalid-file', `${where} must be ${wanted}, got ${short}.`);
}

export const text: Check<string> = (value, where) =>
  typeof value === 'string' ? value : refuse(where, 'a text', value);

export const flag: Check<boolean> = (value, where) =>
  typeof value === 'boolean' ? value : refuse(where, 'true or false', value);

/** A finite number in [min, max]. */
export function number(min = -Infinity, max = Infinity): Check<number> {
  return (value, where) => {
    if (typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max) return value;
    return refuse(where, `a number${rangeText(min, max)}`, value);
  };
}

/** An integer >= min. */
export function integer(min: number): Check<number> {
  return (value, where) => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min) return value;
    return refuse(where, `an integer >= ${min}`, value);
  };
}

function rangeText(min: number, max: number): string {
  if (min === -Infinity) return '';
  return max === Infinity ? ` >= ${min}` : ` in [${min}, ${max}]`;
}

/** One of the given texts. */
export function oneOf<const T extends string | number>(...allowed: readonly T[]): Check<T> {
  return (value, where) =>
    allowed.find((candidate) => candidate === value) ??
    refuse(where, allowed.length === 1 ? JSON.stringify(allowed[0]) : `one of ${allowed.join(', ')}`, value);
}

export function nullable<T>(check: Check<T>): Check<T | null> {
  return (value, where) => (value === null ? null : check(value, where));
}

export function list<T>(check: Check<T>): Check<readonly T[]> {
  return (value, where) => {
    if (!Array.isArray(value)) return refuse(where, 'a list', value);
    return value.map((entry, i) => check(entry, `${where}[${i}]`));
  };
}

/** A JSON object with values of one kind, under any keys. */
export function record<T>(check: Check<T>): Check<Readonly<Record<string, T>>> {
  return (value, where) =>
    Object.fromEntries(
      Object.entries(asObject(value, where)).map(([key, entry]) => [key, check(entry, `${where}.${key}`)]),
    );
}

/** Any JSON value. */
export const json: Check<unknown> = (value) => value;

/** A JSON object with these keys; keys it does not know are left out, so that later minor additions stay readable. */
export function object<S extends Record<string, Check<unknown>>>(
  shape: S,
): Check<{ readonly [K in keyof S]: Checked<S[K]> }> {
  return (value, where) => {
    const source = asObject(value, where);
    const entries = Object.entries(shape).map(([key, check]) => [
      key,
      check(source[key], where === '' ? key : `${where}.${key}`),
    ]);
    return Object.fromEntries(entries) as { readonly [K in keyof S]: Checked<S[K]> };
  };
}

function asObject(value: unknown, where: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  return refuse(where === '' ? 'the document' : where, 'an object', value);
}
