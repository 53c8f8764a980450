import type { NormName } from '@revat/core';

import { stepMemory } from './step-kernels.js';

export interface FabMoveOptions {
  readonly norm: NormName;
  /** The largest weight a_max of the clean image's projection. */
  readonly alphaMax: number;
  /** eta: how far beyond the plane a step goes; 1 stops on it. */
  readonly overshoot: number;
}

/** A plane on which the linearised model ties two classes. */
export interface Plane {
  readonly normal: Float32Array;
  /** How far the point of the linearisation is above the plane: the difference of the two logits there. */
  readonly above: number;
}

/**
 * One move of FAB (Croce and Hein, ICML 2020, arXiv:1907.02044, algorithm 1): writes over the point x, with projections d of x and
 * of the clean image c on the plane and the box,
 *
 *   clip((1 - a) (x + eta d_x) + a (c + eta d_c)),   a = min(|d_x| / (|d_x| + |d_c|), a_max).
 *
 * All arrays are float32 of one length, points lie in [0, 1]. The projections are those of assembly/plane-projection.ts.
 */
export function fabMove(
  point: Float32Array,
  clean: Float32Array,
  { normal, above }: Plane,
  { norm, alphaMax, overshoot }: FabMoveOptions,
): void {
  const { kernels, length, arrays, scratch } = stepMemory(point.length);
  const [x, c, w, fromPoint, fromClean] = arrays;
  x.values.set(point);
  c.values.set(clean);
  w.values.set(normal);
  kernels.layOut(scratch, length, NORM_INDEX[norm]);
  kernels.setNormal(w.address);
  const cleanAbove = above + kernels.distanceAlong(w.address, x.address, c.address, length);
  const near = Math.max(kernels.project(x.address, above, fromPoint.address), LEAST_DISTANCE);
  const far = Math.max(kernels.project(c.address, cleanAbove, fromClean.address), LEAST_DISTANCE);
  const alpha = Math.min(near / (near + far), alphaMax);
  kernels.combine(x.address, fromPoint.address, c.address, fromClean.address, length, alpha, overshoot);
  point.set(x.values);
}

/** As the kernels number the norms. */
const NORM_INDEX: Readonly<Record<NormName, number>> = { Linf: 0, L2: 1, L1: 2 };
/** Distances count as at least so long, as in the reference. */
const LEAST_DISTANCE = 1e-8;
