/**
 * The projection at the heart of FAB: the displacement d of smallest p-norm that takes a point x of the box to the plane
 * <w, z> = b without leaving the box (Croce and Hein, ICML 2020, arXiv:1907.02044, section 3.1),
 *
 *   min |d|_p   subject to   <w, x + d> = b,   0 <= x + d <= 1.
 *
 * Every coordinate moves towards the plane until the box stops it, so the problem has one unknown, and the distance covered
 * is a concave, piecewise linear function of it. The reference sorts the kinks and bisects; here Newton's method from 0
 * reaches the same root exactly in a few passes without sorting (Linf, L2), and a heap yields only the few largest weights
 * that L1 needs. Sums are in double precision. Where the plane misses the box, d leads to the corner nearest to it, as in the
 * reference.
 *
 * Points, normals and displacements are float32, filled with zeros to an even length.
 */
import { sumOfLanes, widen } from './lanes';

const LINF = 0;
const L2 = 1;

/** L2 and L1 leave a coordinate alone whose weight is at most this; Linf only one whose weight is 0 (as the reference). */
const NEGLIGIBLE_WEIGHT: f64 = 1e-8;

// Of the normal that was set last. Arrays of doubles, at the addresses that `layOut` was given.
let norm: i32 = LINF;
let size: i32 = 0;
/** d_i = -side weight_i min(t, kink_i): the sign of w_i in Linf, w_i itself in L2 and L1. */
let weights: usize = 0;
/** How fast the point nears the plane as t grows: |w_i| in Linf, w_i^2 in L2; in L1 the size of the weight. */
let slopes: usize = 0;
/** Where the box stops a coordinate. */
let kinks: usize = 0;
let total: f64 = 0;
/** L1: all indices as a binary heap, and the copy that a projection takes apart. */
let heap: usize = 0;
let rest: usize = 0;

/** 40 bytes of scratch memory per coordinate, even numbers of them. */
export function layOut(scratch: usize, length: i32, normIndex: i32): void {
  norm = normIndex;
  size = length;
  const bytes = (<usize>length) << 3;
  weights = scratch;
  slopes = scratch + bytes;
  kinks = scratch + 2 * bytes;
  heap = scratch + 3 * bytes;
  rest = scratch + 4 * bytes;
}

/** Takes the normal w of the planes to come. */
export function setNormal(normal: usize): void {
  const zero = f64x2.splat(0);
  const one = f64x2.splat(1);
  let sum = zero;
  for (let i = 0; i < size; i += 2) {
    const w = widen(v128.load64_zero(normal + ((<usize>i) << 2)));
    const magnitude = f64x2.abs(w);
    let weight = w;
    let slope = magnitude;
    if (norm === LINF) {
      weight = f64x2.sub(v128.and(f64x2.gt(w, zero), one), v128.and(f64x2.lt(w, zero), one));
    } else {
      const counts = f64x2.gt(magnitude, f64x2.splat(NEGLIGIBLE_WEIGHT));
      slope = v128.and(counts, norm === L2 ? f64x2.mul(w, w) : magnitude);
    }
    v128.store(weights + ((<usize>i) << 3), weight);
    v128.store(slopes + ((<usize>i) << 3), slope);
    sum = f64x2.add(sum, slope);
  }
  total = sumOfLanes(sum);
  if (norm > L2) buildHeap();
}

/**
 * Writes d for a point in [0, 1] into `displacement`; `above` is <w, point> - b, how far the point is above the plane. Returns
 * |d|_p.
 */
export function project(point: usize, above: f64, displacement: usize): f64 {
  const side: f64 = above >= 0 ? 1 : -1;
  if (norm > L2) return takeLargest(point, side, side * above, displacement);
  setKinks(point, side);
  const length = solveKinkedLine(side * above);
  const lengths = f64x2.splat(length);
  const back = f64x2.splat(-side);
  const zero = f64x2.splat(0);
  let measure = zero;
  for (let i: usize = 0; i < <usize>size; i += 2) {
    const weight = v128.load(weights + (i << 3));
    const kink = v128.load(kinks + (i << 3));
    const move = v128.bitselect(kink, lengths, f64x2.lt(kink, lengths));
    const displaced = f64x2.mul(f64x2.mul(back, weight), move);
    v128.store64_lane(displacement + (i << 2), f32x4.demote_f64x2_zero(displaced), 0);
    if (norm === LINF) {
      measure = f64x2.pmax(measure, v128.and(f64x2.ne(weight, zero), move));
    } else measure = f64x2.add(measure, f64x2.mul(displaced, displaced));
  }
  if (norm === L2) return Math.sqrt(sumOfLanes(measure));
  const first = f64x2.extract_lane(measure, 0);
  const second = f64x2.extract_lane(measure, 1);
  return first > second ? first : second;
}

/** The way to the box, over |weight|. */
function setKinks(point: usize, side: f64): void {
  const zero = f64x2.splat(0);
  const one = f64x2.splat(1);
  const sides = f64x2.splat(side);
  for (let i: usize = 0; i < <usize>size; i += 2) {
    const x = widen(v128.load64_zero(point + (i << 2)));
    const down = f64x2.mul(sides, v128.load(weights + (i << 3)));
    let kink = v128.bitselect(f64x2.sub(one, x), x, f64x2.lt(down, zero));
    if (norm === L2) {
      const counts = f64x2.gt(v128.load(slopes + (i << 3)), zero);
      kink = v128.and(counts, f64x2.div(kink, f64x2.abs(down)));
    }
    v128.store(kinks + (i << 3), kink);
  }
}

/**
 * The root of sum_i slope_i min(t, kink_i) = target for target >= 0; Infinity where all kinks are passed, whether the target is
 * reached or not. Newton's iterates grow monotonically, since the function is concave, and stop once no further kink is
 * passed.
 */
function solveKinkedLine(target: f64): f64 {
  if (total === 0) return 0;
  let root = target / total;
  while (true) {
    const roots = f64x2.splat(root);
    let reached = f64x2.splat(0);
    let rising = reached;
    for (let at: usize = 0; at < (<usize>size) << 3; at += 16) {
      const kink = v128.load(kinks + at);
      const slope = v128.load(slopes + at);
      const isPassed = f64x2.le(kink, roots);
      reached = f64x2.add(reached, v128.and(isPassed, f64x2.mul(slope, kink)));
      rising = f64x2.add(rising, v128.andnot(slope, isPassed));
    }
    const slopesLeft = sumOfLanes(rising);
    if (slopesLeft === 0) return Infinity;
    const next = (target - sumOfLanes(reached)) / slopesLeft;
    if (!(next > root)) return root;
    root = next;
  }
}

/** L1: the coordinates of largest weight move until the box stops them, the last of them only as far as the plane. */
function takeLargest(point: usize, side: f64, distance: f64, displacement: usize): f64 {
  memory.copy(rest, heap, (<usize>size) << 2);
  memory.fill(displacement, 0, (<usize>size) << 2);
  let sum: f64 = 0;
  for (let count = size; count > 0 && distance > 0;) {
    const i = <usize>load<i32>(rest);
    const weight = load<f64>(slopes + (i << 3));
    if (weight === 0) break;
    const isUp = side * load<f64>(weights + (i << 3)) < 0;
    const x = <f64>load<f32>(point + (i << 2));
    const room = isUp ? 1 - x : x;
    const needed = distance / weight;
    const move = needed < room ? needed : room;
    store<f32>(displacement + (i << 2), <f32>(isUp ? move : -move));
    distance -= move * weight;
    sum += move;
    count--;
    store<i32>(rest, load<i32>(rest + ((<usize>count) << 2)));
    siftDown(rest, 0, count);
  }
  return sum;
}

function buildHeap(): void {
  for (let i = 0; i < size; i++) store<i32>(heap + ((<usize>i) << 2), i);
  for (let node = (size >> 1) - 1; node >= 0; node--) siftDown(heap, node, size);
}

/** Restores the order of a heap (largest weight first, then smallest index) below `node`. */
function siftDown(items: usize, node: i32, count: i32): void {
  const item = load<i32>(items + ((<usize>node) << 2));
  while (true) {
    let child = 2 * node + 1;
    if (child >= count) break;
    let next = load<i32>(items + ((<usize>child) << 2));
    if (child + 1 < count) {
      const other = load<i32>(items + ((<usize>child) << 2), 4);
      if (precedes(other, next)) {
        next = other;
        child++;
      }
    }
    if (!precedes(next, item)) break;
    store<i32>(items + ((<usize>node) << 2), next);
    node = child;
  }
  store<i32>(items + ((<usize>node) << 2), item);
}

function precedes(i: i32, j: i32): bool {
  const first = load<f64>(slopes + ((<usize>i) << 3));
  const second = load<f64>(slopes + ((<usize>j) << 3));
  return first > second || (first === second && i < j);
}
