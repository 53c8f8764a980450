/** APGD's step in Linf (Croce and Hein, ICML 2020, algorithm 1, lines 7 and 8); arithmetic in doubles, points in float32. */
import { narrow, widen } from './lanes';

const MOMENTUM: f64 = 0.75;

/**
 * next = P(x + 0.75 (z - x) + 0.25 (x - x_old)), z = P(x + step sign(gradient)), P being the projection into [low, high]; without
 * momentum next = z. Arrays of `length` float32, filled to a multiple of four.
 */
export function climb(
  current: usize,
  previous: usize,
  gradient: usize,
  low: usize,
  high: usize,
  next: usize,
  length: i32,
  step: f64,
  hasMomentum: bool,
): void {
  const steps = f64x2.splat(step);
  for (let at: usize = 0; at < (<usize>length) << 2; at += 16) {
    const least = v128.load(low + at);
    const most = v128.load(high + at);
    const moved = narrow(
      ascended(current + at, gradient + at, steps),
      ascended(current + at + 8, gradient + at + 8, steps),
    );
    let z = clamp(moved, least, most);
    if (hasMomentum) {
      const carried = narrow(
        withMomentum(widen(z), current + at, previous + at),
        withMomentum(widen(i64x2.shuffle(z, z, 1, 0)), current + at + 8, previous + at + 8),
      );
      z = clamp(carried, least, most);
    }
    v128.store(next + at, z);
  }
}

/** x + step sign(gradient) of two pixels. */
function ascended(x: usize, gradient: usize, step: v128): v128 {
  const slope = widen(v128.load64_zero(gradient));
  const zero = f64x2.splat(0);
  const up = v128.and(f64x2.gt(slope, zero), step);
  const down = v128.and(f64x2.lt(slope, zero), step);
  return f64x2.add(widen(v128.load64_zero(x)), f64x2.sub(up, down));
}

function withMomentum(z: v128, current: usize, previous: usize): v128 {
  const x = widen(v128.load64_zero(current));
  const old = widen(v128.load64_zero(previous));
  const ahead = f64x2.mul(f64x2.splat(MOMENTUM), f64x2.sub(z, x));
  const behind = f64x2.mul(f64x2.splat(1 - MOMENTUM), f64x2.sub(x, old));
  return f64x2.add(f64x2.add(x, ahead), behind);
}

function clamp(values: v128, least: v128, most: v128): v128 {
  return f32x4.min(f32x4.max(values, least), most);
}
