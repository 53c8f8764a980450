/** What FAB does with two projections (Croce and Hein, ICML 2020, algorithm 1). Arrays of float32, filled to an even length. */
import { sumOfLanes, widen } from './lanes';

/** <normal, to - from> */
export function distanceAlong(normal: usize, from: usize, to: usize, length: i32): f64 {
  let sum = f64x2.splat(0);
  for (let at: usize = 0; at < (<usize>length) << 2; at += 8) {
    const way = f64x2.sub(widen(v128.load64_zero(to + at)), widen(v128.load64_zero(from + at)));
    sum = f64x2.add(sum, f64x2.mul(widen(v128.load64_zero(normal + at)), way));
  }
  return sumOfLanes(sum);
}

/** point = clip((1 - alpha) (point + overshoot fromPoint) + alpha (clean + overshoot fromClean)), to [0, 1]. */
export function combine(
  point: usize,
  fromPoint: usize,
  clean: usize,
  fromClean: usize,
  length: i32,
  alpha: f64,
  overshoot: f64,
): void {
  const zero = f64x2.splat(0);
  const one = f64x2.splat(1);
  const eta = f64x2.splat(overshoot);
  for (let at: usize = 0; at < (<usize>length) << 2; at += 8) {
    const near = f64x2.add(
      widen(v128.load64_zero(point + at)),
      f64x2.mul(eta, widen(v128.load64_zero(fromPoint + at))),
    );
    const far = f64x2.add(
      widen(v128.load64_zero(clean + at)),
      f64x2.mul(eta, widen(v128.load64_zero(fromClean + at))),
    );
    const biased = f64x2.add(f64x2.mul(f64x2.splat(1 - alpha), near), f64x2.mul(f64x2.splat(alpha), far));
    const clipped = f64x2.min(f64x2.max(biased, zero), one);
    v128.store64_lane(point + at, f32x4.demote_f64x2_zero(clipped), 0);
  }
}
