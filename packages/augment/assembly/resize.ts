/**
 * The two passes of `resize` on WebAssembly SIMD. Weights are pairs of 16-bit halves: w = high * 4096 + low, so that one
 * dot product of 16-bit numbers serves two taps; sums are the same 32-bit integers as Pillow's.
 */

/** Bits after the point of a weight, and of its low half. */
const PRECISION: i32 = 22;
const LOW_BITS: i32 = 12;

/** Rounds to the nearest integer; floors like Pillow where the sum is negative. */
function finish(high: v128, low: v128): v128 {
  const sum = i32x4.add(i32x4.add(i32x4.shl(high, LOW_BITS), low), i32x4.splat(1 << (PRECISION - 1)));
  return i32x4.shr_s(sum, PRECISION);
}

/**
 * Horizontal pass: rows of `source`, `sourceStride` bytes apart, to rows of outWidth RGB pixels at `out`.
 * Per output: `starts` i32 first source pixel, `pairCounts` i32, and at `weights` pairs of taps (two i16 highs, two i16 lows).
 */
export function resizeColumns(
  source: usize,
  sourceStride: usize,
  rowCount: i32,
  outWidth: i32,
  starts: usize,
  pairCounts: usize,
  weights: usize,
  maxPairs: i32,
  out: usize,
): void {
  for (let row = 0; row < rowCount; row++) {
    const rowStart = source + <usize>row * sourceStride;
    for (let x = 0; x < outWidth; x++) {
      let read = rowStart + <usize>load<i32>(starts + ((<usize>x) << 2)) * 3;
      let weight = weights + <usize>(x * maxPairs) * 8;
      const end = weight + <usize>load<i32>(pairCounts + ((<usize>x) << 2)) * 8;
      let high = i32x4.splat(0);
      let low = i32x4.splat(0);
      while (weight < end) {
        // Bytes r0 g0 b0 r1 g1 b1 become 16-bit r0 r1 g0 g1 b0 b1; byte 8 is zero.
        const bytes = v128.load64_zero(read);
        const pixels = i8x16.swizzle(bytes, i8x16(0, 8, 3, 8, 1, 8, 4, 8, 2, 8, 5, 8, 8, 8, 8, 8));
        high = i32x4.add(high, i32x4.dot_i16x8_s(pixels, v128.load32_splat(weight)));
        low = i32x4.add(low, i32x4.dot_i16x8_s(pixels, v128.load32_splat(weight, 4)));
        read += 6;
        weight += 8;
      }
      const words = i16x8.narrow_i32x4_s(finish(high, low), finish(high, low));
      // The fourth byte is overwritten by the next pixel.
      v128.store32_lane(out, i8x16.narrow_i16x8_u(words, words), 0);
      out += 3;
    }
  }
}

/** Vertical pass: per output row a start row and pairs of taps over rows of `stride` bytes. Writes up to 15 bytes beyond a row. */
export function resizeRows(
  source: usize,
  stride: usize,
  outHeight: i32,
  starts: usize,
  pairCounts: usize,
  weights: usize,
  maxPairs: i32,
  out: usize,
): void {
  for (let y = 0; y < outHeight; y++) {
    const first = source + <usize>load<i32>(starts + ((<usize>y) << 2)) * stride;
    const begin = weights + <usize>(y * maxPairs) * 8;
    const end = begin + <usize>load<i32>(pairCounts + ((<usize>y) << 2)) * 8;
    for (let column: usize = 0; column < stride; column += 16) {
      let high0 = i32x4.splat(0);
      let high1 = high0;
      let high2 = high0;
      let high3 = high0;
      let low0 = high0;
      let low1 = high0;
      let low2 = high0;
      let low3 = high0;
      let read = first + column;
      for (let weight = begin; weight < end; weight += 8) {
        const upper = v128.load(read);
        const lower = v128.load(read + stride);
        const left = i8x16.shuffle(upper, lower, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        const right = i8x16.shuffle(
          upper,
          lower,
          8,
          24,
          9,
          25,
          10,
          26,
          11,
          27,
          12,
          28,
          13,
          29,
          14,
          30,
          15,
          31,
        );
        const highs = v128.load32_splat(weight);
        const lows = v128.load32_splat(weight, 4);
        const p0 = i16x8.extend_low_i8x16_u(left);
        const p1 = i16x8.extend_high_i8x16_u(left);
        const p2 = i16x8.extend_low_i8x16_u(right);
        const p3 = i16x8.extend_high_i8x16_u(right);
        high0 = i32x4.add(high0, i32x4.dot_i16x8_s(p0, highs));
        high1 = i32x4.add(high1, i32x4.dot_i16x8_s(p1, highs));
        high2 = i32x4.add(high2, i32x4.dot_i16x8_s(p2, highs));
        high3 = i32x4.add(high3, i32x4.dot_i16x8_s(p3, highs));
        low0 = i32x4.add(low0, i32x4.dot_i16x8_s(p0, lows));
        low1 = i32x4.add(low1, i32x4.dot_i16x8_s(p1, lows));
        low2 = i32x4.add(low2, i32x4.dot_i16x8_s(p2, lows));
        low3 = i32x4.add(low3, i32x4.dot_i16x8_s(p3, lows));
        read += stride << 1;
      }
      const left16 = i16x8.narrow_i32x4_s(finish(high0, low0), finish(high1, low1));
      const right16 = i16x8.narrow_i32x4_s(finish(high2, low2), finish(high3, low3));
      v128.store(out + column, i8x16.narrow_i16x8_u(left16, right16));
    }
    out += stride;
  }
}
