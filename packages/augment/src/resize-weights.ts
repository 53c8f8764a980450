import type { Interpolation } from './resize.js';

/** Bits after the point: 8 bits of pixel, 22 of weight and 2 of overshoot fit a signed 32-bit sum. */
const PRECISION = 22;
/** Bits of a weight's low half, as the kernels split it. */
const LOW_BITS = 12;

/** For each output position: the first source position, the number of taps, and the taps' weights. */
export interface ResizeWeights {
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  /** Half the counts, rounded up. */
  readonly pairCounts: Int32Array;
  /**
   * [outputs, maxPairs, 2]: the high halves of two weights, then their low halves, 16 bits each; weight = high * 4096 + low
   * in fixed point. An odd last tap is paired with weight zero.
   */
  readonly pairs: Int32Array;
  readonly maxPairs: number;
}

/** How `from` samples become `to`. */
interface Scaling {
  readonly from: number;
  readonly to: number;
  /** Source positions an output position. */
  readonly scale: number;
  /** How far the kernel is stretched, and how far it reaches then. */
  readonly stretch: number;
  readonly reach: number;
}

function scaling(from: number, to: number, interpolation: Interpolation): Scaling {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  return { from, to, scale, stretch, reach: (interpolation === 'bicubic' ? 2 : 1) * stretch };
}

/** The first source position that an output reads. A pass that keeps the size is none: it reads the same position. */
function firstTap({ from, to, scale, reach }: Scaling, output: number): number {
  return from === to ? output : Math.max(0, Math.trunc((output + 0.5) * scale - reach + 0.5));
}

/** The source position behind the last that an output reads. */
function tapsEnd({ from, to, scale, reach }: Scaling, output: number): number {
  return from === to ? output + 1 : Math.min(from, Math.trunc((output + 0.5) * scale + reach + 0.5));
}

/** The source positions, from `start` up to `end`, that `count` outputs from `first` on read. */
export function resizeSpan(
  from: number,
  to: number,
  first: number,
  count: number,
  interpolation: Interpolation,
): { start: number; end: number } {
  const axis = scaling(from, to, interpolation);
  return { start: firstTap(axis, first), end: tapsEnd(axis, first + count - 1) };
}

/** The weights of `count` outputs from `first` on, when `from` samples become `to`. */
export function resizeWeights(
  from: number,
  to: number,
  first: number,
  count: number,
  interpolation: Interpolation,
): ResizeWeights {
  const kernel = interpolation === 'bicubic' ? bicubic : triangle;
  const axis = scaling(from, to, interpolation);
  const { scale, stretch, reach } = axis;
  const maxTaps = from === to ? 1 : Math.ceil(reach) * 2 + 1;
  const maxPairs = Math.ceil(maxTaps / 2);
  const starts = new Int32Array(count);
  const counts = new Int32Array(count);
  const pairs = new Int32Array(count * maxPairs * 2);
  const halves = new Int16Array(pairs.buffer);
  const exact = new Float64Array(maxTaps);
  for (let i = 0; i < count; i++) {
    const centre = (first + i + 0.5) * scale;
    const start = firstTap(axis, first + i);
    const end = tapsEnd(axis, first + i);
    let sum = 0;
    for (let x = start; x < end; x++) {
      exact[x - start] = from === to ? 1 : kernel((x - centre + 0.5) * (1 / stretch));
      sum += exact[x - start];
    }
    starts[i] = start;
    counts[i] = end - start;
    for (let k = 0; k < end - start; k++) {
      const weight = toFixedPoint(sum === 0 ? exact[k] : exact[k] / sum);
      const pair = (i * maxPairs + (k >> 1)) * 4 + (k & 1);
      halves[pair] = weight >> LOW_BITS;
      halves[pair + 2] = weight & ((1 << LOW_BITS) - 1);
    }
  }
  return { starts, counts, pairCounts: counts.map((taps) => (taps + 1) >> 1), pairs, maxPairs };
}

function bicubic(x: number): number {
  const a = -0.5;
  const t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
}

function triangle(x: number): number {
  return Math.max(0, 1 - Math.abs(x));
}

/** Rounds half away from zero. */
function toFixedPoint(weight: number): number {
  return Math.trunc(weight * (1 << PRECISION) + (weight < 0 ? -0.5 : 0.5));
}
