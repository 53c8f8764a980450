/**
 * What the windows of the Square attack look like: how large they are at each step and what is written into them
 * (Andriushchenko et al., "Square Attack: a query-efficient black-box adversarial attack via random search", ECCV 2020,
 * arXiv:1912.00049; section 3.2 for Linf, section 3.3 for L2; the L1 variant is that of AutoAttack).
 */
import type { NormName } from '@revat/core';

/** The schedule halves p after these steps of a search of 10,000. */
const HALVING_STEPS = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000];

/** The fraction of pixels that a window covers at `step` (0 is the first candidate after the starting point). */
export function windowFraction(initial: number, step: number): number {
  const halvings = HALVING_STEPS.findIndex((limit) => step <= limit);
  return initial / 2 ** (halvings < 0 ? HALVING_STEPS.length : halvings);
}

/** The side of the square window that covers `fraction` of a height x width image; in L2 and L1 odd and at least 3. */
export function windowSide(norm: NormName, fraction: number, height: number, width: number): number {
  const rounded = roundHalfToEven(Math.sqrt(fraction * height * width));
  const side = norm === 'Linf' ? Math.max(rounded, 1) : Math.max(rounded, 3) | 1;
  return Math.min(side, height, width);
}

/** Python's rounding, which the reference's schedule rests on. */
function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * The L2 and L1 pattern eta of side x side pixels, row by row: a positive bump above a negative one, of unit norm
 * (section 3.3, equation 2). The search also uses its transpose. The caller owns the array.
 */
export function windowPattern(norm: 'L2' | 'L1', side: number): Float32Array {
  const upperRows = side >> 1;
  const pattern = new Float32Array(side * side);
  pattern.set(bump(norm, upperRows, side), 0);
  pattern.set(
    bump(norm, side - upperRows, side).map((value) => -value),
    upperRows * side,
  );
  return normalised(norm, pattern);
}

/** A pyramid of centred squares of side 1, 3, 5, ..., the j-th adding 1 / j^2 (L2) or 1 / j^4 (L1), of unit norm. */
export function bump(norm: 'L2' | 'L1', rows: number, columns: number): Float32Array {
  const values = new Float32Array(rows * columns);
  const power = norm === 'L2' ? 2 : 4;
  const layers = Math.max(rows >> 1, columns >> 1) + 1;
  for (let layer = 0; layer < layers; layer++) {
    const top = (rows >> 1) - layer;
    const left = (columns >> 1) - layer;
    for (let row = Math.max(top, 0); row < Math.min(top + 2 * layer + 1, rows); row++) {
      for (let column = Math.max(left, 0); column < Math.min(left + 2 * layer + 1, columns); column++) {
        values[row * columns + column] += 1 / (layer + 1) ** power;
      }
    }
  }
  return normalised(norm, values);
}

function normalised(norm: 'L2' | 'L1', values: Float32Array): Float32Array {
  let sum = 0;
  for (const value of values) sum += norm === 'L2' ? value * value : Math.abs(value);
  const length = norm === 'L2' ? Math.sqrt(sum) : sum;
  return values.map((value) => value / length);
}

/** The grid of tiles, each a pattern of side `side`, that the L2 and L1 search starts from. */
export interface StartTiles {
  readonly side: number;
  /** Row and column of the first tile's corner. */
  readonly first: number;
  readonly rows: number;
  readonly columns: number;
}

/**
 * About 5 x 5 tiles over a height x width image; tiles over the lower or right edge are cut there.
 * Deviation: below 5 pixels of height the reference divides by zero; here tiles then have one pixel.
 */
export function startTiles(height: number, width: number): StartTiles {
  const side = Math.max(Math.floor(height / 5), 1);
  return {
    side,
    first: Math.max((height - side * 5) >> 1, 0),
    rows: Math.floor(height / side),
    columns: Math.max(Math.floor(width / side), 1),
  };
}
