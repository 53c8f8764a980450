/** Inverse discrete cosine transform of 8 x 8 coefficients: of the columns, then of the rows. */
import { factors, high, highBytes, low, lowBytes } from './simd-lanes';

/** Bytes of a block's coefficients, i16. */
export const BLOCK_BYTES: usize = 128;
/** Between the two passes: 8 x 8 i16, with rows and columns swapped. */
const WORKSPACE: usize = memory.data(128, 16);

/** Bits after the point that a pass drops: of the factors, 13; the first keeps two more for the second, which divides by 8. */
const COLUMNS_SHIFT: i32 = 11;
const ROWS_SHIFT: i32 = 18;

/** The last position in zigzag order up to which all coefficients are in the first four rows and columns. */
const LAST_OF_CORNER: i32 = 9;

/** A block of which only the mean is not zero. */
function flatBlock(coefficients: usize, out: usize, stride: usize): void {
  const sample = ((<i32>load<i16>(coefficients) + 4) >> 3) + 128;
  const row = i8x16.splat(<i8>max(0, min(255, sample)));
  store<i16>(coefficients, 0);
  for (let y = 0; y < 8; y++) {
    v128.store64_lane(out, row, 0);
    out += stride;
  }
}

/** The 8 x 8 samples of coefficients, which are zero afterwards. `last` is the zigzag position behind which they are zero. */
export function inverseTransform(coefficients: usize, last: i32, out: usize, stride: usize): void {
  const zero = i64x2.splat(0);
  if (last == 0) flatBlock(coefficients, out, stride);
  else if (last <= LAST_OF_CORNER) {
    transformCorner(coefficients, COLUMNS_SHIFT, WORKSPACE, 16);
    transformCorner(WORKSPACE, ROWS_SHIFT, out, stride);
    for (let y: usize = 0; y < 64; y += 16) v128.store(coefficients + y, zero);
  } else {
    transformColumns(coefficients, COLUMNS_SHIFT, WORKSPACE, 16);
    transformColumns(WORKSPACE, ROWS_SHIFT, out, stride);
    for (let y: usize = 0; y < BLOCK_BYTES; y += 16) v128.store(coefficients + y, zero);
  }
}

/** One-dimensional transforms of eight columns of i16 rows at `source`; for `out`, see `storeHalf`. */
function transformColumns(source: usize, shift: i32, out: usize, stride: usize): void {
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
    out,
    stride,
  );
  transformHalf(
    i32x4.extend_high_i16x8_s(sum04),
    i32x4.extend_high_i16x8_s(difference04),
    high(row2, row6),
    high(row7, row1),
    high(row5, row3),
    high(sum73, sum51),
    shift,
    out + (stride << 2),
    stride,
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
  stride: usize,
): void {
  const rounding = i32x4.splat(1 << (shift - 1));
  const even0 = i32x4.add(i32x4.shl(sum04, 13), rounding);
  const even1 = i32x4.add(i32x4.shl(difference04, 13), rounding);
  const even2 = i32x4.dot_i16x8_s(p26, factors(4433, -10704));
  const even3 = i32x4.dot_i16x8_s(p26, factors(10703, 4433));
  const z3 = i32x4.dot_i16x8_s(sums, factors(-6436, 9633));
  const z4 = i32x4.dot_i16x8_s(sums, factors(9633, 6437));
  storeHalf(
    i32x4.add(even0, even3),
    i32x4.add(even1, even2),
    i32x4.sub(even1, even2),
    i32x4.sub(even0, even3),
    i32x4.add(i32x4.dot_i16x8_s(p71, factors(-4927, -7373)), z3),
    i32x4.add(i32x4.dot_i16x8_s(p53, factors(-4176, -20995)), z4),
    i32x4.add(i32x4.dot_i16x8_s(p53, factors(-20995, 4177)), z3),
    i32x4.add(i32x4.dot_i16x8_s(p71, factors(-7373, 4926)), z4),
    shift,
    out,
    stride,
  );
}

/** As `transformColumns`, of rows of which the last four are zero; in the first pass the last four columns, too. */
function transformCorner(source: usize, shift: i32, out: usize, stride: usize): void {
  const row0 = v128.load(source);
  const row1 = v128.load(source, 16);
  const row2 = v128.load(source, 32);
  const row3 = v128.load(source, 48);
  transformCornerHalf(low(row0, row2), low(row1, row3), shift, out, stride);
  if (shift == ROWS_SHIFT)
    transformCornerHalf(high(row0, row2), high(row1, row3), shift, out + (stride << 2), stride);
}

/** As `transformHalf`: its factors, summed where only one row of those that they are for is not zero. */
function transformCornerHalf(p02: v128, p13: v128, shift: i32, out: usize, stride: usize): void {
  const rounding = i32x4.splat(1 << (shift - 1));
  storeHalf(
    i32x4.add(i32x4.dot_i16x8_s(p02, factors(8192, 10703)), rounding),
    i32x4.add(i32x4.dot_i16x8_s(p02, factors(8192, 4433)), rounding),
    i32x4.add(i32x4.dot_i16x8_s(p02, factors(8192, -4433)), rounding),
    i32x4.add(i32x4.dot_i16x8_s(p02, factors(8192, -10703)), rounding),
    i32x4.dot_i16x8_s(p13, factors(9633 - 7373, -6436)),
    i32x4.dot_i16x8_s(p13, factors(6437, 9633 - 20995)),
    i32x4.dot_i16x8_s(p13, factors(9633, 4177 - 6436)),
    i32x4.dot_i16x8_s(p13, factors(6437 + 4926, 9633)),
    shift,
    out,
    stride,
  );
}

/**
 * The butterflies of even and odd parts, scaled down: eight samples of four columns, stored as four rows of eight. In the
 * first pass i16, in the second bytes.
 */
function storeHalf(
  even0: v128,
  even1: v128,
  even2: v128,
  even3: v128,
  odd0: v128,
  odd1: v128,
  odd2: v128,
  odd3: v128,
  shift: i32,
  out: usize,
  stride: usize,
): void {
  const rows01 = scaled(i32x4.add(even0, odd3), i32x4.add(even1, odd2), shift);
  const rows23 = scaled(i32x4.add(even2, odd1), i32x4.add(even3, odd0), shift);
  const rows45 = scaled(i32x4.sub(even3, odd0), i32x4.sub(even2, odd1), shift);
  const rows67 = scaled(i32x4.sub(even1, odd2), i32x4.sub(even0, odd3), shift);
  if (shift == COLUMNS_SHIFT) storeTransposed(rows01, rows23, rows45, rows67, out);
  else storeSamples(i8x16.narrow_i16x8_s(rows01, rows23), i8x16.narrow_i16x8_s(rows45, rows67), out, stride);
}

/** Two rows of four i32, without their last bits, as eight i16. */
function scaled(first: v128, second: v128, shift: i32): v128 {
  return i16x8.narrow_i32x4_s(i32x4.shr_s(first, shift), i32x4.shr_s(second, shift));
}

/** Eight rows of four i16, two in a vector, as four rows of eight. Each step moves one bit of a row's number into the lanes. */
function storeTransposed(rows01: v128, rows23: v128, rows45: v128, rows67: v128, out: usize): void {
  const a0 = low(rows01, rows45);
  const a1 = high(rows01, rows45);
  const a2 = low(rows23, rows67);
  const a3 = high(rows23, rows67);
  const b0 = low(a0, a2);
  const b1 = high(a0, a2);
  const b2 = low(a1, a3);
  const b3 = high(a1, a3);
  v128.store(out, low(b0, b2));
  v128.store(out, high(b0, b2), 16);
  v128.store(out, low(b1, b3), 32);
  v128.store(out, high(b1, b3), 48);
}

/** Eight rows of four samples less 128, four in a vector, as four rows of eight bytes. */
function storeSamples(rows0123: v128, rows4567: v128, out: usize, stride: usize): void {
  const a0 = lowBytes(rows0123, rows4567);
  const a1 = highBytes(rows0123, rows4567);
  const b0 = lowBytes(a0, a1);
  const b1 = highBytes(a0, a1);
  const centre = i8x16.splat(-128);
  const first = v128.xor(lowBytes(b0, b1), centre);
  const second = v128.xor(highBytes(b0, b1), centre);
  v128.store64_lane(out, first, 0);
  v128.store64_lane(out + stride, first, 1);
  v128.store64_lane(out + 2 * stride, second, 0);
  v128.store64_lane(out + 3 * stride, second, 1);
}
