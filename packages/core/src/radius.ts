import { RevatError } from './errors.js';

const DECIMAL = /^\+?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * A radius (eps) in input units, from a number, a decimal ("0.0157", "1e-2") or a fraction ("4/255").
 * `where` names the option in the error. Throws 'invalid-argument' unless the value is finite and > 0.
 */
export function parseRadius(value: string | number, where = 'eps'): number {
  const radius = typeof value === 'number' ? value : parseQuotient(value);
  if (Number.isFinite(radius) && radius > 0) return radius;
  throw new RevatError(
    'invalid-argument',
    `${where}: a radius must be a number > 0, got "${value}". Give it in input units, e.g. 4/255 or 0.0157.`,
  );
}

function parseQuotient(text: string): number {
  const parts = text.split('/').map((part) => part.trim());
  if (parts.length > 2 || !parts.every((part) => DECIMAL.test(part))) return NaN;
  return parts.length === 2 ? Number(parts[0]) / Number(parts[1]) : Number(parts[0]);
}

/** Text of a radius as people write it: "4/255" where it is a small multiple of 1/255, else a short decimal. */
export function formatRadius(radius: number): string {
  const levels = radius * 255;
  const whole = Math.round(levels);
  if (whole >= 1 && whole <= 64 && Math.abs(levels - whole) < 1e-6) return `${whole}/255`;
  return String(Number(radius.toPrecision(6)));
}
