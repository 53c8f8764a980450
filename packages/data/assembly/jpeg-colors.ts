/** Planes of samples to RGB: chroma upsampling and colour conversion. */
import { factors, high, highBytes, low, lowBytes } from './simd-lanes';

/** What chroma means no colour, in sixteenths. */
const CENTRE: i32 = 128 << 4;

/**
 * A row of chroma for `doubledColorRow`, in quarters: three parts of `near`, the samples at this height, and one of `far`, those
 * above or below, or `near` again. Of `sums`, one before the first and one behind the last are written, too.
 */
function sumRows(near: usize, far: usize, count: i32, sums: usize): void {
  const three = i16x8.splat(3);
  for (let x: usize = 0; x < <usize>count; x += 8) {
    const sum = i16x8.add(i16x8.mul(v128.load8x8_u(near + x), three), v128.load8x8_u(far + x));
    v128.store(sums + (x << 1), sum);
  }
  // The ends are repeated: both neighbours of an end sample are then itself and its one neighbour.
  store<i16>(sums - 2, load<i16>(sums));
  store<i16>(sums + ((<usize>count) << 1), load<i16>(sums + ((<usize>(count - 1)) << 1)));
}

/**
 * A row of luma and two of chroma, doubled in x with triangle weights, to `width` RGB pixels. The roundings are in sixteenths.
 * Reads and writes up to 15 pixels more.
 */
function doubledColorRow(
  luma: usize,
  blueSums: usize,
  redSums: usize,
  leftRounding: i32,
  rightRounding: i32,
  width: i32,
  out: usize,
): void {
  const toLeft = i16x8.splat(<i16>(leftRounding - CENTRE));
  const toRight = i16x8.splat(<i16>(rightRounding - CENTRE));
  for (let x: usize = 0; x < <usize>width; x += 16) {
    const leftBlue = doubled(blueSums + x, -2, toLeft);
    const rightBlue = doubled(blueSums + x, 2, toRight);
    const leftRed = doubled(redSums + x, -2, toLeft);
    const rightRed = doubled(redSums + x, 2, toRight);
    storeColors(
      v128.load(luma + x),
      low(leftBlue, rightBlue),
      high(leftBlue, rightBlue),
      low(leftRed, rightRed),
      high(leftRed, rightRed),
      out + x * 3,
    );
  }
}

/** Three parts of eight sums and one of their neighbours; `neighbour` is -2 or 2 bytes. */
function doubled(sums: usize, neighbour: i32, rounding: v128): v128 {
  const own = i16x8.mul(v128.load(sums), i16x8.splat(3));
  return i16x8.shr_s(i16x8.add(i16x8.add(own, v128.load(sums + neighbour)), rounding), 4);
}

/** A row of luma and two of chroma of the same size to `width` RGB pixels. Reads and writes up to 15 pixels more. */
function colorRow(luma: usize, blue: usize, red: usize, width: i32, out: usize): void {
  const centre = i16x8.splat(128);
  for (let x: usize = 0; x < <usize>width; x += 16)
    storeColors(
      v128.load(luma + x),
      i16x8.sub(v128.load8x8_u(blue + x), centre),
      i16x8.sub(v128.load8x8_u(blue + x + 8), centre),
      i16x8.sub(v128.load8x8_u(red + x), centre),
      i16x8.sub(v128.load8x8_u(red + x + 8), centre),
      out + x * 3,
    );
}

/** Sixteen pixels of luma bytes and i16 of chroma less 128. */
function storeColors(lumas: v128, b0: v128, b1: v128, r0: v128, r1: v128, out: usize): void {
  const y0 = i16x8.extend_low_i8x16_u(lumas);
  const y1 = i16x8.extend_high_i8x16_u(lumas);
  // R = Y + 1.402 Cr; 1.402 = 1 + 13173 / 32768 to the precision that libjpeg-turbo has
  const R = i8x16.narrow_i16x8_u(
    i16x8.add(i16x8.add(y0, r0), i16x8.q15mulr_sat_s(r0, i16x8.splat(13173))),
    i16x8.add(i16x8.add(y1, r1), i16x8.q15mulr_sat_s(r1, i16x8.splat(13173))),
  );
  // G = Y - 0.34414 Cb - 0.71414 Cr
  const G = i8x16.narrow_i16x8_u(i16x8.add(y0, greenPart(b0, r0)), i16x8.add(y1, greenPart(b1, r1)));
  // B = Y + 1.772 Cb; 1.772 = 2 - 7471 / 32768
  const B = i8x16.narrow_i16x8_u(
    i16x8.add(i16x8.add(y0, i16x8.shl(b0, 1)), i16x8.q15mulr_sat_s(b0, i16x8.splat(-7471))),
    i16x8.add(i16x8.add(y1, i16x8.shl(b1, 1)), i16x8.q15mulr_sat_s(b1, i16x8.splat(-7471))),
  );
  storePixels(out, R, G, B);
}

/** (-11277 Cb - 23401 Cr) / 32768, rounded once. */
function greenPart(blues: v128, reds: v128): v128 {
  const both = factors(-11277, -23401);
  const half = i32x4.splat(16384);
  const first = i32x4.shr_s(i32x4.add(i32x4.dot_i16x8_s(low(blues, reds), both), half), 15);
  const second = i32x4.shr_s(i32x4.add(i32x4.dot_i16x8_s(high(blues, reds), both), half), 15);
  return i16x8.narrow_i32x4_s(first, second);
}

/** Sixteen pixels from sixteen bytes of each channel. Writes four bytes more. */
function storePixels(out: usize, R: v128, G: v128, B: v128): void {
  const rg0 = lowBytes(R, G);
  const rg1 = highBytes(R, G);
  const b0 = lowBytes(B, B);
  const b1 = highBytes(B, B);
  // In turn, since each leaves four bytes of the next pixels wrong.
  storeFour(out, low(rg0, b0));
  storeFour(out + 12, high(rg0, b0));
  storeFour(out + 24, low(rg1, b1));
  storeFour(out + 36, high(rg1, b1));
}

/** Four pixels of four bytes, without the last of each; four bytes more are written. */
function storeFour(out: usize, pixels: v128): void {
  v128.store(out, i8x16.swizzle(pixels, i8x16(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15)));
}

/** A row of luma to `width` gray RGB pixels. Reads and writes up to 15 pixels more. */
function grayRow(luma: usize, width: i32, out: usize): void {
  for (let x: usize = 0; x < <usize>width; x += 16) {
    const lumas = v128.load(luma + x);
    storePixels(out + x * 3, lumas, lumas, lumas);
  }
}

/**
 * Planes of luma and of blue and red chroma to an RGB image. Chroma of `chromaWidth` x `chromaHeight` samples is doubled along
 * the axes told; `scratch` is room for two rows of 16-bit sums, each of `scratchStride` bytes, one sample more on either side.
 */
export function combine(
  luma: usize,
  lumaStride: usize,
  blue: usize,
  red: usize,
  chromaStride: usize,
  chromaWidth: i32,
  chromaHeight: i32,
  doubleX: bool,
  doubleY: bool,
  width: i32,
  height: i32,
  scratch: usize,
  scratchStride: usize,
  out: usize,
  outStride: usize,
): void {
  const blueSums = scratch + 16;
  const redSums = blueSums + scratchStride;
  for (let y = 0; y < height; y++) {
    const near = doubleY ? y >> 1 : y;
    const far = doubleY ? max(0, min(chromaHeight - 1, near + ((y & 1) << 1) - 1)) : near;
    const nearRow = <usize>near * chromaStride;
    if (doubleX) {
      const farRow = <usize>far * chromaStride;
      sumRows(blue + nearRow, blue + farRow, chromaWidth, blueSums);
      sumRows(red + nearRow, red + farRow, chromaWidth, redSums);
      doubledColorRow(luma, blueSums, redSums, doubleY ? 8 : 4, doubleY ? 7 : 8, width, out);
    } else colorRow(luma, blue + nearRow, red + nearRow, width, out);
    luma += lumaStride;
    out += outStride;
  }
}

/** A plane of luma to a gray RGB image. */
export function combineGray(
  luma: usize,
  lumaStride: usize,
  width: i32,
  height: i32,
  out: usize,
  outStride: usize,
): void {
  for (let y = 0; y < height; y++) {
    grayRow(luma, width, out);
    luma += lumaStride;
    out += outStride;
  }
}
