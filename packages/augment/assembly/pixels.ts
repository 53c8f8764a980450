/** Operations on the bytes of RGB images, on WebAssembly. Lengths are in bytes; reads reach up to 15 bytes beyond the source. */

/** Maps every byte through its channel's table: three tables of 256 bytes. */
export function mapChannels(source: usize, length: i32, tables: usize, out: usize): void {
  const end = source + <usize>length;
  while (source < end) {
    store<u8>(out, load<u8>(tables + <usize>load<u8>(source)));
    store<u8>(out, load<u8>(tables + <usize>load<u8>(source, 1), 256), 1);
    store<u8>(out, load<u8>(tables + <usize>load<u8>(source, 2), 512), 2);
    source += 3;
    out += 3;
  }
}

/** Counts of every value of every channel: 3 x 256 u32 at `counts`, which must be zero. */
export function histograms(source: usize, length: i32, counts: usize): void {
  const end = source + <usize>length;
  while (source < end) {
    for (let channel: usize = 0; channel < 3; channel++) {
      const at = counts + (channel << 10) + ((<usize>load<u8>(source + channel)) << 2);
      store<u32>(at, load<u32>(at) + 1);
    }
    source += 3;
  }
}

/** Columns reversed. Writes one byte beyond the result. */
export function mirror(source: usize, width: i32, height: i32, out: usize): void {
  const stride = <usize>(width * 3);
  for (let y = 0; y < height; y++) {
    let read = source + stride - 3;
    for (let x = 0; x < width; x++) {
      store<i32>(out, load<i32>(read));
      read -= 3;
      out += 3;
    }
    source += stride;
  }
}

/** d + factor (v - d) of sixteen bytes in float32, truncated and clamped. */
function blend(degenerate: v128, values: v128, factor: v128): v128 {
  const low = i16x8.narrow_i32x4_s(
    blendFour(i16x8.extend_low_i8x16_u(degenerate), i16x8.extend_low_i8x16_u(values), factor, false),
    blendFour(i16x8.extend_low_i8x16_u(degenerate), i16x8.extend_low_i8x16_u(values), factor, true),
  );
  const high = i16x8.narrow_i32x4_s(
    blendFour(i16x8.extend_high_i8x16_u(degenerate), i16x8.extend_high_i8x16_u(values), factor, false),
    blendFour(i16x8.extend_high_i8x16_u(degenerate), i16x8.extend_high_i8x16_u(values), factor, true),
  );
  return i8x16.narrow_i16x8_u(low, high);
}

function blendFour(degenerate: v128, values: v128, factor: v128, upper: bool): v128 {
  const d = f32x4.convert_i32x4_s(
    upper ? i32x4.extend_high_i16x8_u(degenerate) : i32x4.extend_low_i16x8_u(degenerate),
  );
  const v = f32x4.convert_i32x4_s(
    upper ? i32x4.extend_high_i16x8_u(values) : i32x4.extend_low_i16x8_u(values),
  );
  return i32x4.trunc_sat_f32x4_s(f32x4.add(d, f32x4.mul(factor, f32x4.sub(v, d))));
}

/** Each pixel blended with its luma. Writes up to 15 bytes beyond the result. */
export function blendWithLuma(source: usize, length: i32, factor: f32, gray: usize, out: usize): void {
  // The luma of every pixel in three channels, then all bytes alike.
  for (let i: usize = 0; i < <usize>length; i += 3) {
    const red = <u32>load<u8>(source + i);
    const green = <u32>load<u8>(source + i, 1);
    const blue = <u32>load<u8>(source + i, 2);
    store<u32>(gray + i, ((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16) * 0x010101);
  }
  const factors = f32x4.splat(factor);
  for (let i: usize = 0; i < <usize>length; i += 16)
    v128.store(out + i, blend(v128.load(gray + i), v128.load(source + i), factors));
}

/** Each pixel but the outermost blended with the mean of its neighbourhood, weights 1 and 5 over 13. */
export function blendWithSmooth(source: usize, width: i32, height: i32, factor: f32, out: usize): void {
  const stride = <usize>(width * 3);
  memory.copy(out, source, stride * <usize>height);
  const factors = f32x4.splat(factor);
  for (let y = 1; y < height - 1; y++) {
    const row = source + <usize>y * stride;
    const write = out + <usize>y * stride;
    const end = stride - 3;
    for (let i: usize = 3; i < end; i += 16) {
      const smooth = smoothed(row + i, stride);
      const result = blend(smooth, v128.load(row + i), factors);
      if (i + 16 <= end) v128.store(write + i, result);
      else {
        // The last pixel of the row stays.
        const last = v128.load(write + i);
        const mask = i8x16.lt_u(v128.load(LANES), i8x16.splat(<i8>(end - i)));
        v128.store(write + i, v128.bitselect(result, last, mask));
      }
    }
  }
}

const LANES: usize = memory.data<u8>([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], 16);

function smoothed(centre: usize, stride: usize): v128 {
  let first = i16x8.splat(0);
  let second = i16x8.splat(0);
  for (let dy = -1; dy <= 1; dy++) {
    for (let dx = -3; dx <= 3; dx += 3) {
      const bytes = v128.load(centre + <usize>(dy * <i32>stride + dx));
      first = i16x8.add(first, i16x8.extend_low_i8x16_u(bytes));
      second = i16x8.add(second, i16x8.extend_high_i8x16_u(bytes));
    }
  }
  const own = v128.load(centre);
  first = i16x8.add(first, i16x8.shl(i16x8.extend_low_i8x16_u(own), 2));
  second = i16x8.add(second, i16x8.shl(i16x8.extend_high_i8x16_u(own), 2));
  return i8x16.narrow_i16x8_u(thirteenth(first), thirteenth(second));
}

/** trunc(sum / 13 + 0.5) of sums up to 13 * 255, as (2 sum + 13) * 20165 >> 19. */
function thirteenth(sums: v128): v128 {
  const doubled = i16x8.add(i16x8.shl(sums, 1), i16x8.splat(13));
  const factor = i16x8.splat(20165);
  return i16x8.narrow_i32x4_s(
    i32x4.shr_u(i32x4.extmul_low_i16x8_u(doubled, factor), 19),
    i32x4.shr_u(i32x4.extmul_high_i16x8_u(doubled, factor), 19),
  );
}

/** byte / 255 as float32. Writes up to 60 bytes beyond the result. */
export function toFloats(source: usize, length: i32, out: usize): void {
  const scale = f32x4.splat(255);
  for (let i: usize = 0; i < <usize>length; i += 4) {
    const bytes = v128.load32_zero(source + i);
    const values = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes));
    v128.store(out + (i << 2), f32x4.div(f32x4.convert_i32x4_s(values), scale));
  }
}
