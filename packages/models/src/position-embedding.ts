import { RevatError } from '@revat/core';

/**
 * How a learned position embedding is stretched to another grid; the three differ by up to 0.4 in embeddings of standard
 * deviation 0.5, so a checkpoint must be evaluated with the one it was made for.
 *
 * - `timm`: bicubic with antialiasing, a = -0.5, weights renormalised inside the grid (timm's default).
 * - `timm-no-antialias`: bicubic, a = -0.75, borders replicated.
 * - `paper`: as that, but with the coordinates of `scale_factor = (n + 0.1) / n_old`: the 0.1, meant to guard against
 *   rounding, shifts them. An unchanged grid stays as it is.
 */
export type PositionInterpolation = 'timm' | 'timm-no-antialias' | 'paper';

/** Rows and columns of tokens. */
export type TokenGrid = readonly [number, number];

export interface InterpolatePositionsOptions {
  readonly from: TokenGrid;
  readonly to: TokenGrid;
  /** Rows before those of the grid, copied as they are: 1 for a class token with a position, 0 in DeiT-III. */
  readonly prefixTokens: number;
  readonly interpolation?: PositionInterpolation;
}

/**
 * Position embeddings [prefix + H W, D] of another grid, row-major over (y, x). Returns a new array. Computed in double
 * precision. Throws RevatError 'mismatch' if the values do not make up the old grid.
 */
export function interpolatePositions(
  values: Float32Array,
  { from, to, prefixTokens, interpolation = 'timm' }: InterpolatePositionsOptions,
): Float32Array {
  const rows = prefixTokens + from[0] * from[1];
  const dim = values.length / rows;
  if (!Number.isInteger(dim) || dim < 1) {
    throw new RevatError(
      'mismatch',
      `position embedding: ${values.length} values are not ${rows} rows (grid ${from[0]} x ${from[1]}, ${prefixTokens} prefix tokens).`,
    );
  }
  const result = new Float32Array((prefixTokens + to[0] * to[1]) * dim);
  result.set(values.subarray(0, prefixTokens * dim));
  const vertical = interpolationMatrix(from[0], to[0], interpolation);
  const horizontal = interpolationMatrix(from[1], to[1], interpolation);
  const grid = values.subarray(prefixTokens * dim);
  result.set(stretch(grid, from, vertical, horizontal, dim), prefixTokens * dim);
  return result;
}

/** A row of weights over the old positions for every new one. */
type Matrix = readonly Float64Array[];

/** Both axes at once: sum over (y, x) of vertical[i][y] horizontal[j][x] grid[y][x], zeros skipped. */
function stretch(
  grid: Float32Array,
  [, width]: TokenGrid,
  vertical: Matrix,
  horizontal: Matrix,
  dim: number,
): Float64Array {
  const result = new Float64Array(vertical.length * horizontal.length * dim);
  vertical.forEach((rowWeights, i) =>
    horizontal.forEach((columnWeights, j) => {
      const target = (i * horizontal.length + j) * dim;
      rowWeights.forEach((rowWeight, y) => {
        if (rowWeight === 0) return;
        columnWeights.forEach((columnWeight, x) => {
          const weight = rowWeight * columnWeight;
          if (weight === 0) return;
          const source = (y * width + x) * dim;
          for (let c = 0; c < dim; c++) result[target + c] += weight * grid[source + c];
        });
      });
    }),
  );
  return result;
}

function interpolationMatrix(from: number, to: number, interpolation: PositionInterpolation): Matrix {
  switch (interpolation) {
    case 'timm':
      return antialiasedCubic(from, to);
    case 'timm-no-antialias':
      return cubic(from, to, to / from);
    case 'paper':
      return from === to ? identity(from) : cubic(from, to, (to + 0.1) / from);
    default:
      throw new RevatError(
        'unknown-name',
        `position embedding: no interpolation is called '${String(interpolation)}'. Known: timm, timm-no-antialias, paper.`,
      );
  }
}

function identity(size: number): Matrix {
  return Array.from({ length: size }, (_, i) =>
    Float64Array.from({ length: size }, (_, j) => Number(i === j)),
  );
}

/** Four taps around (i + 0.5) / scale - 0.5, indices clamped to the grid. */
function cubic(from: number, to: number, scale: number): Matrix {
  return Array.from({ length: to }, (_, i) => {
    const row = new Float64Array(from);
    const source = (i + 0.5) / scale - 0.5;
    const first = Math.floor(source) - 1;
    for (let tap = first; tap < first + 4; tap++)
      row[Math.min(Math.max(tap, 0), from - 1)] += keysCubic(Math.abs(source - tap), -0.75);
    return row;
  });
}

/** A kernel as wide as the reduction, cut at the border and renormalised, as Pillow and torch's antialias=True do. */
function antialiasedCubic(from: number, to: number): Matrix {
  const support = Math.max(1, from / to);
  return Array.from({ length: to }, (_, i) => {
    const row = new Float64Array(from);
    const centre = ((i + 0.5) * from) / to;
    const first = Math.max(0, Math.trunc(centre - 2 * support + 0.5));
    const end = Math.min(from, Math.trunc(centre + 2 * support + 0.5));
    for (let tap = first; tap < end; tap++)
      row[tap] = keysCubic(Math.abs(tap - centre + 0.5) / support, -0.5);
    const sum = row.reduce((total, weight) => total + weight, 0);
    return row.map((weight) => weight / sum);
  });
}

/** The cubic convolution kernel of Keys 1981, equation 4 in its general form with free parameter a. */
function keysCubic(x: number, a: number): number {
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}
