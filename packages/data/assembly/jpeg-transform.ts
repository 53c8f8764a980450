/** Inverse discrete cosine transform of 8 x 8 coefficients. */
import { factors, high, low } from './simd-lanes';

/** Coefficients of one block, i16. */
export const COEFFICIENTS: usize = memory.data(128, 16);
/** 8 x 8 i16 between the two passes of the inverse DCT. */
const WORKSPACE: usize = memory.data(128, 16);
/** 8 x 8 i32 that a pass writes. Narrowed when read: a vector read from two halves just written would wait for both. */
const WIDE_WORKSPACE: usize = memory.data(256, 16);

/** A block of which only the mean is not zero. */
export function flatBlock(out: usize, stride: usize): void {
  const sample = ((<i32>load<i16>(COEFFICIENTS) + 4) >> 3) + 128;
  const row = i8x16.splat(<i8>max(0, min(255, sample)));
  store<i16>(COEFFICIENTS, 0);
  for (let y = 0; y < 8; y++) {
    v128.store64_lane(out, row, 0);
    out += stride;
  }
}

/** The 8 x 8 samples of COEFFICIENTS, which are zero afterwards. */
export function inverseTransform(out: usize, stride: usize): void {
  transformColumns(COEFFICIENTS, 11);
  transpose();
  transformColumns(WORKSPACE, 18);
  transpose();
  const zero = i64x2.splat(0);
  for (let y: usize = 0; y < 8; y++) {
    const row = v128.load(WORKSPACE + (y << 4));
    v128.store64_lane(out, v128.xor(i8x16.narrow_i16x8_s(row, row), i8x16.splat(-128)), 0);
    v128.store(COEFFICIENTS + (y << 4), zero);
    out += stride;
  }
}

/** One-dimensional transforms of eight columns of i16 rows at `source`, into WIDE_WORKSPACE, scaled down by `shift` bits. */
function transformColumns(source: usize, shift: i32): void {
  const row0 = v128.load(source);
  const row1 = v128.load(source, 16);
  const row2 = v128.load(source, 32);
  const row3 = v128.load(source, 48);
  const row4 = v128.load(source, 64);
  const row5 = v128.load(source, 80);
  const row6 = v128.load(source, 96);
  const row7 = v128.load(source, 112);
  // 16-bit sums, as libjpeg-turbo has them.
  const sum04 = i16x8.add(row0, row4);
  const difference04 = i16x8.sub(row0, row4);
  const sum73 = i16x8.add(row7, row3);
  const sum51 = i16x8.add(row5, row1);
  transformHalf(
    i32x4.extend_low_i16x8_s(sum04),
    i32x4.extend_low_i16x8_s(difference04),
    low(row2, row6),
    low(row7, row1),
    low(row5, row3),
    low(sum73, sum51),
    shift,
    WIDE_WORKSPACE,
  );
  transformHalf(
    i32x4.extend_high_i16x8_s(sum04),
    i32x4.extend_high_i16x8_s(difference04),
    high(row2, row6),
    high(row7, row1),
    high(row5, row3),
    high(sum73, sum51),
    shift,
    WIDE_WORKSPACE + 16,
  );
}

/** Four columns. Inputs are two i32 rows and pairs of i16 rows in turn; factors are those of the paper in 13-bit fixed point. */
function transformHalf(
  sum04: v128,
  difference04: v128,
  p26: v128,
  p71: v128,
  p53: v128,
  sums: v128,
  shift: i32,
  out: usize,
): void {
  const rounding = i32x4.splat(1 << (shift - 1));
  const even0 = i32x4.add(i32x4.shl(sum04, 13), rounding);
  const even1 = i32x4.add(i32x4.shl(difference04, 13), rounding);
  const even2 = i32x4.dot_i16x8_s(p26, factors(4433, -10704));
  const even3 = i32x4.dot_i16x8_s(p26, factors(10703, 4433));
  const sum0 = i32x4.add(even0, even3);
  const sum3 = i32x4.sub(even0, even3);
  const sum1 = i32x4.add(even1, even2);
  const sum2 = i32x4.sub(even1, even2);

  const z3 = i32x4.dot_i16x8_s(sums, factors(-6436, 9633));
  const z4 = i32x4.dot_i16x8_s(sums, factors(9633, 6437));
  const odd0 = i32x4.add(i32x4.dot_i16x8_s(p71, factors(-4927, -7373)), z3);
  const odd3 = i32x4.add(i32x4.dot_i16x8_s(p71, factors(-7373, 4926)), z4);
  const odd1 = i32x4.add(i32x4.dot_i16x8_s(p53, factors(-4176, -20995)), z4);
  const odd2 = i32x4.add(i32x4.dot_i16x8_s(p53, factors(-20995, 4177)), z3);

  storeHalf(out, i32x4.add(sum0, odd3), shift);
  storeHalf(out + 224, i32x4.sub(sum0, odd3), shift);
  storeHalf(out + 32, i32x4.add(sum1, odd2), shift);
  storeHalf(out + 192, i32x4.sub(sum1, odd2), shift);
  storeHalf(out + 64, i32x4.add(sum2, odd1), shift);
  storeHalf(out + 160, i32x4.sub(sum2, odd1), shift);
  storeHalf(out + 96, i32x4.add(sum3, odd0), shift);
  storeHalf(out + 128, i32x4.sub(sum3, odd0), shift);
}

function storeHalf(out: usize, values: v128, shift: i32): void {
  v128.store(out, i32x4.shr_s(values, shift));
}

function wideRow(offset: usize): v128 {
  return i16x8.narrow_i32x4_s(v128.load(WIDE_WORKSPACE + offset), v128.load(WIDE_WORKSPACE + offset, 16));
}

/** WIDE_WORKSPACE, narrowed with saturation, with rows and columns swapped, to WORKSPACE. */
function transpose(): void {
  const row0 = wideRow(0);
  const row1 = wideRow(32);
  const row2 = wideRow(64);
  const row3 = wideRow(96);
  const row4 = wideRow(128);
  const row5 = wideRow(160);
  const row6 = wideRow(192);
  const row7 = wideRow(224);
  const a0 = low(row0, row4);
  const a1 = high(row0, row4);
  const a2 = low(row1, row5);
  const a3 = high(row1, row5);
  const a4 = low(row2, row6);
  const a5 = high(row2, row6);
  const a6 = low(row3, row7);
  const a7 = high(row3, row7);
  const b0 = low(a0, a4);
  const b1 = high(a0, a4);
  const b2 = low(a1, a5);
  const b3 = high(a1, a5);
  const b4 = low(a2, a6);
  const b5 = high(a2, a6);
  const b6 = low(a3, a7);
  const b7 = high(a3, a7);
  v128.store(WORKSPACE, low(b0, b4));
  v128.store(WORKSPACE, high(b0, b4), 16);
  v128.store(WORKSPACE, low(b1, b5), 32);
  v128.store(WORKSPACE, high(b1, b5), 48);
  v128.store(WORKSPACE, low(b2, b6), 64);
  v128.store(WORKSPACE, high(b2, b6), 80);
  v128.store(WORKSPACE, low(b3, b7), 96);
  v128.store(WORKSPACE, high(b3, b7), 112);
}
