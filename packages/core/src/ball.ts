import type { NormName } from './norm-name.js';
import { l1Correction } from './l1-projection.js';

/** Looked up once: these functions are called for every pixel. */
const { abs, floor, fround, log2, max, min, sign, sqrt } = Math;

/**
 * The threat model of one image on the host: the points within eps of it in a norm, and in [0,1]. Points are float32; a
 * projected point passes `contains` exactly, where the reference implementation may overshoot the radius by rounding.
 */
export interface Ball {
  readonly norm: NormName;
  readonly center: Float32Array;
  /** The radius, rounded to float32. */
  readonly eps: number;
  /** Linf: the least and the greatest value of every pixel in the ball and the box. */
  readonly bounds?: Bounds;
  /**
   * Moves a finite point into the ball and the box, in place. Linf and L1: the nearest point; L2: scaled to the radius, then
   * clipped, as APGD does (the clip only shortens the perturbation).
   */
  project(point: Float32Array): void;
  /** Whether the point is in [0,1] and its perturbation, in float32, is not longer than eps. */
  contains(point: ArrayLike<number>): boolean;
}

export interface Bounds {
  readonly low: Float32Array;
  readonly high: Float32Array;
}

/** The ball of radius eps around an image in [0,1]. Keeps `center`; allocates two bounds per pixel for Linf. */
export function createBall(norm: NormName, center: Float32Array, eps: number): Ball {
  const radius = fround(eps);
  const contains = (point: ArrayLike<number>) =>
    isInBox(point) && fround(perturbationNorm(norm, center, point)) <= radius;
  const ball = { norm, center, eps: radius, contains };
  if (norm === 'L2') return { ...ball, project: l2Projection(center, radius) };
  if (norm === 'L1') return { ...ball, project: l1BallProjection(center, radius) };
  const bounds = linfBounds(center, radius);
  return { ...ball, bounds, project: linfProjection(bounds) };
}

/** The norm of point - center. Differences are taken in float32, as the pixels are, and summed in doubles. */
export function perturbationNorm(
  norm: NormName,
  center: ArrayLike<number>,
  point: ArrayLike<number>,
): number {
  let total = 0;
  for (let i = 0; i < center.length; i++) {
    const size = abs(fround(point[i] - center[i]));
    if (norm === 'L2') total += size * size;
    else if (norm === 'L1') total += size;
    else if (size > total) total = size;
  }
  return norm === 'L2' ? sqrt(total) : total;
}

function isInBox(point: ArrayLike<number>): boolean {
  for (let i = 0; i < point.length; i++) if (!(point[i] >= 0 && point[i] <= 1)) return false;
  return true;
}

function linfBounds(center: Float32Array, radius: number): Bounds {
  const low = new Float32Array(center.length);
  const high = new Float32Array(center.length);
  for (let i = 0; i < center.length; i++) {
    low[i] = max(0, nearestWithin(center[i], -radius));
    high[i] = min(1, nearestWithin(center[i], radius));
  }
  return { low, high };
}

function linfProjection({ low, high }: Bounds): Ball['project'] {
  return (point) => {
    // One of three values by arithmetic: processors cannot guess which bound a pixel exceeds.
    for (let i = 0; i < point.length; i++) {
      const isBelow = +(point[i] < low[i]);
      const isAbove = +(point[i] > high[i]);
      point[i] = isBelow * low[i] + isAbove * high[i] + (1 - isBelow - isAbove) * point[i];
    }
  };
}

/** The float32 nearest to center + offset whose float32 distance from center is at most |offset|. */
function nearestWithin(center: number, offset: number): number {
  const bound = fround(center + offset);
  if (abs(fround(bound - center)) <= abs(offset)) return bound;
  const ulp = 2 ** (floor(log2(max(abs(bound), 2 ** -126))) - 23); // spacing of float32 at the bound
  return fround(bound - sign(offset) * ulp);
}

function l2Projection(center: Float32Array, radius: number): Ball['project'] {
  return (point) => {
    const length = perturbationNorm('L2', center, point);
    const scale = min(radius, length) / (length + 1e-12);
    for (let i = 0; i < point.length; i++) {
      const value = center[i] + (point[i] - center[i]) * scale;
      point[i] = value < 0 ? 0 : value > 1 ? 1 : value;
    }
    shrinkInto('L2', center, radius, point);
  };
}

function l1BallProjection(center: Float32Array, radius: number): Ball['project'] {
  const delta = new Float32Array(center.length);
  const correction = new Float32Array(center.length);
  return (point) => {
    for (let i = 0; i < point.length; i++) delta[i] = point[i] - center[i];
    l1Correction(center, delta, radius, correction);
    for (let i = 0; i < point.length; i++) {
      const value = point[i] + correction[i];
      point[i] = value < 0 ? 0 : value > 1 ? 1 : value;
    }
    shrinkInto('L1', center, radius, point);
  };
}

/** Undoes what rounding added to the length: shortens the perturbation by a few float32 steps until it is not above eps. */
function shrinkInto(norm: NormName, center: Float32Array, radius: number, point: Float32Array): void {
  let excess = 2 ** -23;
  let length = perturbationNorm(norm, center, point);
  while (fround(length) > radius) {
    const scale = (radius / length) * (1 - excess);
    for (let i = 0; i < point.length; i++) {
      if (point[i] !== center[i]) point[i] = center[i] + (point[i] - center[i]) * scale;
    }
    excess *= 2;
    length = perturbationNorm(norm, center, point);
  }
}
