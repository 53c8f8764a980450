/** Between two doubles and two of four floats. */

/** The lower two floats as doubles. */
export function widen(floats: v128): v128 {
  return f64x2.promote_low_f32x4(floats);
}

/** Two pairs of doubles as four floats. */
export function narrow(first: v128, second: v128): v128 {
  return i64x2.shuffle(f32x4.demote_f64x2_zero(first), f32x4.demote_f64x2_zero(second), 0, 2);
}

export function sumOfLanes(pair: v128): f64 {
  return f64x2.extract_lane(pair, 0) + f64x2.extract_lane(pair, 1);
}
