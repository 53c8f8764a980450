/** Rearranging the lanes of vectors. */

/** The lower four lanes of both, in turn. */
export function low(first: v128, second: v128): v128 {
  return i16x8.shuffle(first, second, 0, 8, 1, 9, 2, 10, 3, 11);
}

/** The upper four lanes of both, in turn. */
export function high(first: v128, second: v128): v128 {
  return i16x8.shuffle(first, second, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** Two 16-bit numbers, four times: the factors of a dot product. */
export function factors(first: i32, second: i32): v128 {
  return i32x4.splat((first & 0xffff) | (second << 16));
}
