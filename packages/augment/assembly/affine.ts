/**
 * Bicubic affine transforms on WebAssembly SIMD: Pillow's double arithmetic, step by step, two channels at a time. Where the
 * source point has no fraction along an axis, the cubic along it is the pixel itself and is left out.
 */

/** Interpolated rows of one pixel: [4 rows][R, G, B, unused] f64. */
const ROWS: usize = memory.data(128, 16);

/**
 * Maps every pixel of a width x height RGB image from (a x + b y + c, d x + e y + f) of the source; `fill` is the colour
 * 0xBBGGRR outside. Reads up to 15 bytes beyond the source, writes one byte beyond the result.
 */
export function transformBicubic(
  source: usize,
  width: i32,
  height: i32,
  a: f64,
  b: f64,
  c: f64,
  d: f64,
  e: f64,
  f: f64,
  fill: i32,
  out: usize,
): void {
  for (let y = 0; y < height; y++) {
    const centreY = <f64>y + 0.5;
    for (let x = 0; x < width; x++) {
      const centreX = <f64>x + 0.5;
      const sourceX = a * centreX + b * centreY + c;
      const sourceY = d * centreX + e * centreY + f;
      if (sourceX >= 0 && sourceX < <f64>width && sourceY >= 0 && sourceY < <f64>height)
        store<i32>(out, samplePixel(source, width, height, sourceX - 0.5, sourceY - 0.5));
      else store<i32>(out, fill);
      out += 3;
    }
  }
}

/** The pixel 0xBBGGRR at (x, y), neighbours clamped to the image. */
function samplePixel(source: usize, width: i32, height: i32, x: f64, y: f64): i32 {
  const floorX = Math.floor(x);
  const floorY = Math.floor(y);
  const left = <i32>floorX;
  const top = <i32>floorY;
  const dx = x - floorX;
  const dy = y - floorY;
  const stride = width * 3;
  if (dy == 0) {
    const row = source + <usize>(top * stride);
    if (dx == 0) return load<i32>(row + <usize>(left * 3)) & 0xffffff;
    cubicRow(row, width, left, dx, ROWS);
    return toBytes(v128.load(ROWS), v128.load(ROWS, 16));
  }
  for (let k = 0; k < 4; k++) {
    const row = source + <usize>(max(0, min(height - 1, top - 1 + k)) * stride);
    cubicRow(row, width, left, dx, ROWS + ((<usize>k) << 5));
  }
  return toBytes(cubicColumn(ROWS, dy), cubicColumn(ROWS + 16, dy));
}

/** Cubic convolution with a = -1 along a row, between the pixels `left` and left + 1: R, G, B as f64 at `out`. */
function cubicRow(row: usize, width: i32, left: i32, t: f64, out: usize): void {
  const v1 = pixel(row, max(0, left));
  if (t == 0) {
    storeDoubles(out, v1);
    return;
  }
  const inside = left >= 1 && left + 2 < width;
  const v0 = pixel(row, inside ? left - 1 : max(0, min(width - 1, left - 1)));
  const v2 = pixel(row, inside ? left + 1 : max(0, min(width - 1, left + 1)));
  const v3 = pixel(row, inside ? left + 2 : max(0, min(width - 1, left + 2)));
  // The coefficients are whole numbers, so integers are exact.
  const first = i32x4.sub(v2, v0);
  const second = i32x4.sub(i32x4.add(i32x4.shl(i32x4.sub(v0, v1), 1), v2), v3);
  const third = i32x4.sub(i32x4.add(i32x4.sub(v1, v0), v3), v2);
  const ts = f64x2.splat(t);
  v128.store(out, horner(v1, first, second, third, ts));
  v128.store(out, horner(upper(v1), upper(first), upper(second), upper(third), ts), 16);
}

/** v1 + t (first + t (second + t third)) of the lower two lanes. */
function horner(v1: v128, first: v128, second: v128, third: v128, t: v128): v128 {
  let value = f64x2.add(f64x2.convert_low_i32x4_s(second), f64x2.mul(t, f64x2.convert_low_i32x4_s(third)));
  value = f64x2.add(f64x2.convert_low_i32x4_s(first), f64x2.mul(t, value));
  return f64x2.add(f64x2.convert_low_i32x4_s(v1), f64x2.mul(t, value));
}

/** The same along a column of four rows, 32 bytes apart, of two channels. */
function cubicColumn(rows: usize, t: f64): v128 {
  const v0 = v128.load(rows);
  const v1 = v128.load(rows, 32);
  const v2 = v128.load(rows, 64);
  const v3 = v128.load(rows, 96);
  const ts = f64x2.splat(t);
  const second = f64x2.sub(f64x2.add(f64x2.mul(f64x2.splat(2), f64x2.sub(v0, v1)), v2), v3);
  const third = f64x2.add(f64x2.sub(f64x2.add(f64x2.neg(v0), v1), v2), v3);
  let value = f64x2.add(second, f64x2.mul(ts, third));
  value = f64x2.add(f64x2.sub(v2, v0), f64x2.mul(ts, value));
  return f64x2.add(v1, f64x2.mul(ts, value));
}

/** R, G, B (and the byte after) of a pixel as i32. */
function pixel(row: usize, column: i32): v128 {
  const bytes = v128.load32_zero(row + <usize>(column * 3));
  return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes));
}

function upper(lanes: v128): v128 {
  return i32x4.shuffle(lanes, lanes, 2, 3, 2, 3);
}

function storeDoubles(out: usize, lanes: v128): void {
  v128.store(out, f64x2.convert_low_i32x4_s(lanes));
  v128.store(out, f64x2.convert_low_i32x4_s(upper(lanes)), 16);
}

/** Truncates and clamps (R, G) and (B, unused) to 0xBBGGRR. */
function toBytes(redGreen: v128, blue: v128): i32 {
  const low = i32x4.trunc_sat_f64x2_s_zero(redGreen);
  const high = i32x4.trunc_sat_f64x2_s_zero(blue);
  const words = i16x8.narrow_i32x4_s(i32x4.shuffle(low, high, 0, 1, 4, 4), low);
  return i32x4.extract_lane(i8x16.narrow_i16x8_u(words, words), 0) & 0xffffff;
}
