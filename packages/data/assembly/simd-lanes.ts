/** Rearranging the lanes of vectors. */

/** The lower four lanes of both, in turn. */
export function low(first: v128, second: v128): v128 {
  return i16x8.shuffle(first, second, 0, 8, 1, 9, 2, 10, 3, 11);
}

/** The upper four lanes of both, in turn. */
export function high(first: v128, second: v128): v128 {
  return i16x8.shuffle(first, second, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** The lower eight bytes of both, in turn. */
export function lowBytes(first: v128, second: v128): v128 {
  return i8x16.shuffle(first, second, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

/** The upper eight bytes of both, in turn. */
export function highBytes(first: v128, second: v128): v128 {
  return i8x16.shuffle(first, second, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/** Two 16-bit numbers, four times: the factors of a dot product. */
export function factors(first: i32, second: i32): v128 {
  return i32x4.splat((first & 0xffff) | (second << 16));
}
