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
 * `point` lies in [0, 1], and the plane is given by its normal and by <normal, point> - b, how far the point is above it.
 * Returns |d|_p.
 */
export type PlaneProjection = (
  point: Float32Array,
  normal: Float32Array,
  above: number,
  displacement: Float32Array,
) => number;

/** L2 and L1 leave a coordinate alone whose weight is at most this; Linf only one whose weight is 0 (as the reference). */
const NEGLIGIBLE_WEIGHT = 1e-8;

/** The projection for points of `size` coordinates in one norm; it owns its scratch memory, so use one per run. */
export function planeProjection(norm: NormName, size: number): PlaneProjection {
  if (norm === 'Linf') return linfProjection(size);
  return norm === 'L2' ? l2Projection(size) : l1Projection(size);
}

// The loops below run for every pixel of every step. They take 1 or 0 from comparisons instead of branching on the sign of a
// weight, which processors guess wrong half of the time.

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
      const isPassed = +(kink[i] <= root);
      reached += isPassed * slope[i] * kink[i];
      rising += (1 - isPassed) * slope[i];
    }
    if (rising === 0) return reached < target ? Infinity : root;
    const next = (target - reached) / rising;
    if (!(next > root)) return root;
    root = next;
  }
}

/** d_i = -sign(w_i) min(t, room_i), room_i being the way to the box: every coordinate moves equally far. */
function linfProjection(size: number): PlaneProjection {
  const slope = new Float64Array(size);
  const room = new Float64Array(size);
  return (point, normal, above, displacement) => {
    const side = above >= 0 ? 1 : -1;
    for (let i = 0; i < size; i++) {
      const weight = side * normal[i];
      const isUp = +(weight < 0);
      slope[i] = weight * (1 - 2 * isUp);
      room[i] = isUp + point[i] * (1 - 2 * isUp);
    }
    const length = solveKinkedLine(slope, room, side * above);
    let largest = 0;
    for (let i = 0; i < size; i++) {
      const weight = side * normal[i];
      const move = room[i] < length ? room[i] : length;
      const moved = move * (+(weight < 0) - +(weight > 0));
      displacement[i] = moved;
      if (move > largest && moved !== 0) largest = move;
    }
    return largest;
  };
}

/** d_i = -t w_i, stopped by the box at t = room_i / |w_i|. */
function l2Projection(size: number): PlaneProjection {
  const slope = new Float64Array(size);
  const kink = new Float64Array(size);
  return (point, normal, above, displacement) => {
    const side = above >= 0 ? 1 : -1;
    for (let i = 0; i < size; i++) {
      const weight = side * normal[i];
      const isUp = +(weight < 0);
      const magnitude = weight * (1 - 2 * isUp);
      const counts = +(magnitude > NEGLIGIBLE_WEIGHT);
      slope[i] = counts * magnitude * magnitude;
      kink[i] = (counts * (isUp + point[i] * (1 - 2 * isUp))) / (magnitude + (1 - counts));
    }
    const length = solveKinkedLine(slope, kink, side * above);
    let squares = 0;
    for (let i = 0; i < size; i++) {
      const move = -side * normal[i] * (kink[i] < length ? kink[i] : length);
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
  return (point, normal, above, displacement) => {
    const side = above >= 0 ? 1 : -1;
    for (let i = 0; i < size; i++) {
      const magnitude = normal[i] * (1 - 2 * +(normal[i] < 0));
      weight[i] = magnitude * +(magnitude > NEGLIGIBLE_WEIGHT);
      heap[i] = i;
    }
    for (let node = (size >> 1) - 1; node >= 0; node--) siftDown(heap, weight, node, size);
    displacement.fill(0);
    let left = side * above;
    let sum = 0;
    for (let count = size; count > 0 && left > 0;) {
      const i = heap[0];
      if (weight[i] === 0) break;
      const isUp = side * normal[i] < 0;
      const move = Math.min(left / weight[i], isUp ? 1 - point[i] : point[i]);
      displacement[i] = isUp ? move : -move;
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
