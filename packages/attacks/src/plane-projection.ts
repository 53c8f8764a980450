/**
 * The projection at the heart of FAB (Croce & Hein, "Minimally distorted adversarial examples with a fast adaptive boundary
 * attack", ICML 2020, arXiv:1907.02044, section 3.1): the displacement d of smallest p-norm that takes a point x of the box to the
 * plane <w, z> = b without leaving the box,
 *
 *   min |d|_p   subject to   <w, x + d> = b,   0 <= x + d <= 1.
 *
 * Every coordinate moves towards the plane until the box stops it, so the problem has one unknown, and the distance covered
 * is a concave, piecewise linear function of it. The reference sorts the kinks and bisects; here Newton's method from 0
 * reaches the same root exactly in a few passes without sorting (Linf, L2), and a heap yields only the few largest weights
 * that L1 needs. Sums are in double precision.
 *
 * Where the plane misses the box, d leads to the corner nearest to it, as in the reference.
 */
import type { NormName } from '@revat/core';

/**
 * Writes into `displacement` the d above for one point; all arrays are float32 of the length given to `planeProjection`,
 * `point` lies in [0, 1]. Returns |d|_p.
 */
export type PlaneProjection = (
  point: Float32Array,
  normal: Float32Array,
  offset: number,
  displacement: Float32Array,
) => number;

/** L2 and L1 leave a coordinate alone whose weight is at most this; Linf only one whose weight is 0 (as the reference). */
const NEGLIGIBLE_WEIGHT = 1e-8;

/** The projection for points of `size` coordinates in one norm; it owns its scratch memory, so use one per run. */
export function planeProjection(norm: NormName, size: number): PlaneProjection {
  if (norm === 'Linf') return linfProjection(size);
  return norm === 'L2' ? l2Projection(size) : l1Projection(size);
}

/** <w, x> - b: how far, in units of the plane's function, the point is above the plane. */
function excess(point: Float32Array, normal: Float32Array, offset: number): number {
  let sum = -offset;
  for (let i = 0; i < point.length; i++) sum += normal[i] * point[i];
  return sum;
}

/** How far coordinate x may move against `weight` (its slope towards the plane) before it meets the box. */
function room(x: number, weight: number): number {
  return weight < 0 ? 1 - x : x;
}

// Comparisons instead of Math: these run for every pixel of every step.
function magnitude(value: number): number {
  return value < 0 ? -value : value;
}

function smaller(a: number, b: number): number {
  return b < a ? b : a;
}

/**
 * The root of sum_i slope_i * min(t, kink_i) = target for target >= 0; Infinity when even t = Infinity falls short.
 * Newton's iterates grow monotonically, since the function is concave, and stop once no further kink is passed.
 */
function solveKinkedLine(slope: Float64Array, kink: Float64Array, target: number): number {
  let total = 0;
  for (let i = 0; i < slope.length; i++) total += slope[i];
  if (total === 0) return 0;
  let root = target / total;
  for (;;) {
    let reached = 0;
    let rising = 0;
    for (let i = 0; i < slope.length; i++) {
      if (kink[i] <= root) reached += slope[i] * kink[i];
      else rising += slope[i];
    }
    if (rising === 0) return reached < target ? Infinity : root;
    const next = (target - reached) / rising;
    if (!(next > root)) return root;
    root = next;
  }
}

/** d_i = -sign(w_i) min(t, room_i): every coordinate moves equally far. */
function linfProjection(size: number): PlaneProjection {
  const slope = new Float64Array(size);
  const kink = new Float64Array(size);
  return (point, normal, offset, displacement) => {
    const above = excess(point, normal, offset);
    const side = above >= 0 ? 1 : -1;
    for (let i = 0; i < size; i++) {
      slope[i] = magnitude(normal[i]);
      kink[i] = room(point[i], side * normal[i]);
    }
    const length = solveKinkedLine(slope, kink, Math.abs(above));
    let largest = 0;
    for (let i = 0; i < size; i++) {
      const move = slope[i] === 0 ? 0 : smaller(length, kink[i]);
      displacement[i] = side * normal[i] < 0 ? move : -move;
      if (move > largest) largest = move;
    }
    return largest;
  };
}

/** d_i = -t w_i, stopped by the box at t = room_i / |w_i|. */
function l2Projection(size: number): PlaneProjection {
  const slope = new Float64Array(size);
  const kink = new Float64Array(size);
  return (point, normal, offset, displacement) => {
    const above = excess(point, normal, offset);
    const side = above >= 0 ? 1 : -1;
    for (let i = 0; i < size; i++) {
      const weight = magnitude(normal[i]);
      slope[i] = weight > NEGLIGIBLE_WEIGHT ? weight * weight : 0;
      kink[i] = slope[i] === 0 ? 0 : room(point[i], side * normal[i]) / weight;
    }
    const length = solveKinkedLine(slope, kink, Math.abs(above));
    let squares = 0;
    for (let i = 0; i < size; i++) {
      const move = -side * normal[i] * smaller(length, kink[i]);
      displacement[i] = move;
      squares += move * move;
    }
    return Math.sqrt(squares);
  };
}

/** The coordinates of largest weight move until the box stops them, the last of them only as far as the plane. */
function l1Projection(size: number): PlaneProjection {
  const weight = new Float64Array(size);
  const heap = new Int32Array(size);
  return (point, normal, offset, displacement) => {
    const above = excess(point, normal, offset);
    const side = above >= 0 ? 1 : -1;
    for (let i = 0; i < size; i++) {
      const heft = magnitude(normal[i]);
      weight[i] = heft > NEGLIGIBLE_WEIGHT ? heft : 0;
      heap[i] = i;
    }
    for (let node = (size >> 1) - 1; node >= 0; node--) siftDown(heap, weight, node, size);
    displacement.fill(0);
    let left = Math.abs(above);
    let sum = 0;
    for (let count = size; count > 0 && left > 0;) {
      const i = heap[0];
      if (weight[i] === 0) break;
      const move = Math.min(left / weight[i], room(point[i], side * normal[i]));
      displacement[i] = side * normal[i] < 0 ? move : -move;
      left -= move * weight[i];
      sum += move;
      heap[0] = heap[--count];
      siftDown(heap, weight, 0, count);
    }
    return sum;
  };
}

/** Restores the order of a binary heap of indices (largest weight first, then smallest index) below `node`. */
function siftDown(heap: Int32Array, weight: Float64Array, node: number, count: number): void {
  const item = heap[node];
  for (;;) {
    let child = 2 * node + 1;
    if (child >= count) break;
    if (child + 1 < count && precedes(heap[child + 1], heap[child], weight)) child++;
    if (!precedes(heap[child], item, weight)) break;
    heap[node] = heap[child];
    node = child;
  }
  heap[node] = item;
}

function precedes(i: number, j: number, weight: Float64Array): boolean {
  return weight[i] > weight[j] || (weight[i] === weight[j] && i < j);
}
