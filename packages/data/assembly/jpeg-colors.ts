/** Planes of samples to RGB: chroma upsampling and colour conversion. */
import { factors, high, low } from './simd-lanes';

/** `count` samples of chroma, doubled in x with triangle weights. Reads one sample on each side; writes whole 32 bytes. */
function upsampleRow(source: usize, count: i32, out: usize): void {
  // The ends are repeated: both neighbours of an end sample are then itself and its one neighbour.
  store<u8>(source - 1, load<u8>(source));
  store<u8>(source + <usize>count, load<u8>(source + <usize>count - 1));
  const three = i16x8.splat(3);
  for (let x: usize = 0; x < <usize>count; x += 8) {
    const own = i16x8.mul(v128.load8x8_u(source + x), three);
    const left = i16x8.add(i16x8.add(own, v128.load8x8_u(source + x - 1)), i16x8.splat(1));
    const right = i16x8.add(i16x8.add(own, v128.load8x8_u(source + x + 1)), i16x8.splat(2));
    storePairs(out + (x << 1), i16x8.shr_u(left, 2), i16x8.shr_u(right, 2));
  }
}

/**
 * One row of chroma doubled in x and y: `near` is the row of samples at this height, `far` the one above or below; `sums`
 * is room for count + 16 i16.
 */
function upsampleRows(near: usize, far: usize, count: i32, sums: usize, out: usize): void {
  const three = i16x8.splat(3);
  const first = sums + 16;
  for (let x: usize = 0; x < <usize>count; x += 8) {
    const sum = i16x8.add(i16x8.mul(v128.load8x8_u(near + x), three), v128.load8x8_u(far + x));
    v128.store(first + (x << 1), sum);
  }
  store<i16>(first - 2, load<i16>(first));
  store<i16>(first + ((<usize>count) << 1), load<i16>(first + ((<usize>(count - 1)) << 1)));
  for (let x: usize = 0; x < <usize>count; x += 8) {
    const at = first + (x << 1);
    const own = i16x8.mul(v128.load(at), three);
    const left = i16x8.add(i16x8.add(own, v128.load(at - 2)), i16x8.splat(8));
    const right = i16x8.add(i16x8.add(own, v128.load(at + 2)), i16x8.splat(7));
    storePairs(out + (x << 1), i16x8.shr_u(left, 4), i16x8.shr_u(right, 4));
  }
}

/** Stores eight left and eight right samples in turn. */
function storePairs(out: usize, left: v128, right: v128): void {
  v128.store(out, v128.or(left, i16x8.shl(right, 8)));
}

/** A row of luma and two of chroma to `width` RGB pixels. Reads and writes up to 15 pixels more. */
function colorRow(luma: usize, blue: usize, red: usize, width: i32, out: usize): void {
  for (let x: usize = 0; x < <usize>width; x += 16) {
    const lumas = v128.load(luma + x);
    const blues = v128.load(blue + x);
    const reds = v128.load(red + x);
    const centre = i16x8.splat(128);
    const y0 = i16x8.extend_low_i8x16_u(lumas);
    const y1 = i16x8.extend_high_i8x16_u(lumas);
    const b0 = i16x8.sub(i16x8.extend_low_i8x16_u(blues), centre);
    const b1 = i16x8.sub(i16x8.extend_high_i8x16_u(blues), centre);
    const r0 = i16x8.sub(i16x8.extend_low_i8x16_u(reds), centre);
    const r1 = i16x8.sub(i16x8.extend_high_i8x16_u(reds), centre);

    // R = Y + 1.402 Cr; 1.402 = 1 + 13173 / 32768 to the precision that libjpeg-turbo has
    const R = i8x16.narrow_i16x8_u(
      i16x8.add(i16x8.add(y0, r0), i16x8.q15mulr_sat_s(r0, i16x8.splat(13173))),
      i16x8.add(i16x8.add(y1, r1), i16x8.q15mulr_sat_s(r1, i16x8.splat(13173))),
    );
    // G = Y - 0.34414 Cb - 0.71414 Cr; -0.71414 = 18734 / 65536 - 1
    const G = i8x16.narrow_i16x8_u(
      i16x8.add(i16x8.sub(y0, r0), greenPart(b0, r0)),
      i16x8.add(i16x8.sub(y1, r1), greenPart(b1, r1)),
    );
    // B = Y + 1.772 Cb; 1.772 = 2 - 7471 / 32768
    const B = i8x16.narrow_i16x8_u(
      i16x8.add(i16x8.add(y0, i16x8.shl(b0, 1)), i16x8.q15mulr_sat_s(b0, i16x8.splat(-7471))),
      i16x8.add(i16x8.add(y1, i16x8.shl(b1, 1)), i16x8.q15mulr_sat_s(b1, i16x8.splat(-7471))),
    );
    storePixels(out + x * 3, R, G, B);
  }
}

/** (-22554 Cb + 18734 Cr) / 65536, rounded once. */
function greenPart(blues: v128, reds: v128): v128 {
  const both = factors(-22554, 18734);
  const half = i32x4.splat(32768);
  const first = i32x4.shr_s(i32x4.add(i32x4.dot_i16x8_s(low(blues, reds), both), half), 16);
  const second = i32x4.shr_s(i32x4.add(i32x4.dot_i16x8_s(high(blues, reds), both), half), 16);
  return i16x8.narrow_i32x4_s(first, second);
}

/** Sixteen pixels from sixteen bytes of each channel. */
function storePixels(out: usize, R: v128, G: v128, B: v128): void {
  const rg0 = i8x16.shuffle(R, G, 0, 16, 0, 1, 17, 1, 2, 18, 2, 3, 19, 3, 4, 20, 4, 5);
  const rg1 = i8x16.shuffle(R, G, 21, 5, 6, 22, 6, 7, 23, 7, 8, 24, 8, 9, 25, 9, 10, 26);
  const rg2 = i8x16.shuffle(R, G, 10, 11, 27, 11, 12, 28, 12, 13, 29, 13, 14, 30, 14, 15, 31, 15);
  v128.store(out, i8x16.shuffle(rg0, B, 0, 1, 16, 3, 4, 17, 6, 7, 18, 9, 10, 19, 12, 13, 20, 15));
  v128.store(out, i8x16.shuffle(rg1, B, 0, 21, 2, 3, 22, 5, 6, 23, 8, 9, 24, 11, 12, 25, 14, 15), 16);
  v128.store(out, i8x16.shuffle(rg2, B, 26, 1, 2, 27, 4, 5, 28, 7, 8, 29, 10, 11, 30, 13, 14, 31), 32);
}

/** A row of luma to `width` gray RGB pixels. Reads and writes up to 15 pixels more. */
function grayRow(luma: usize, width: i32, out: usize): void {
  for (let x: usize = 0; x < <usize>width; x += 16) {
    const lumas = v128.load(luma + x);
    storePixels(out + x * 3, lumas, lumas, lumas);
  }
}

/**
 * Planes of luma and of blue and red chroma to an RGB image. Chroma of `chromaWidth` x `chromaHeight` samples is doubled along the axes told; `scratch` is room for two rows
 * and for 16-bit sums, each of `scratchStride` bytes.
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
): void {
  const sums = scratch + 2 * scratchStride;
  for (let y = 0; y < height; y++) {
    const near = doubleY ? y >> 1 : y;
    const offset = <usize>near * chromaStride;
    let blueRow = blue + offset;
    let redRow = red + offset;
    if (doubleY) {
      const far = <usize>max(0, min(chromaHeight - 1, near + ((y & 1) << 1) - 1)) * chromaStride;
      upsampleRows(blueRow, blue + far, chromaWidth, sums, scratch);
      upsampleRows(redRow, red + far, chromaWidth, sums, scratch + scratchStride);
    } else if (doubleX) {
      upsampleRow(blueRow, chromaWidth, scratch);
      upsampleRow(redRow, chromaWidth, scratch + scratchStride);
    }
    if (doubleX) {
      blueRow = scratch;
      redRow = scratch + scratchStride;
    }
    colorRow(luma, blueRow, redRow, width, out);
    luma += lumaStride;
    out += <usize>(width * 3);
  }
}

/** A plane of luma to a gray RGB image. */
export function combineGray(luma: usize, lumaStride: usize, width: i32, height: i32, out: usize): void {
  for (let y = 0; y < height; y++) {
    grayRow(luma, width, out);
    luma += lumaStride;
    out += <usize>(width * 3);
  }
}
