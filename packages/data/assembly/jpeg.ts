/**
 * Baseline JPEG decoding on WebAssembly SIMD, to the bit what libjpeg-turbo gives with its defaults: accurate integer inverse
 * DCT (Loeffler, Ligtenberg and Moschytz, ICASSP 1989), triangle ("fancy") chroma upsampling, 16-bit fixed-point colours.
 * Anything unusual makes a function return a failure; the caller then decodes by other means.
 */

/** Lookup bits of a Huffman table, and where its parts lie. */
const LOOKUP_BITS: i64 = 10;
const LIMITS: usize = 4096;
const OFFSETS: usize = 4128;
const SYMBOLS: usize = 4160;

/** Bits of a 64-bit window that may be used up before it is loaded again: a code of 16 and a value of 15 must remain. */
const MAX_USED: i32 = 25;

/** Coefficients of 8-bit samples are below 2048 but for rounding. */
const MAX_COEFFICIENT: i32 = 8192;

/** Natural position of each zigzag position; 16 more lead a run that goes too far to where it does no harm. */
const ZIGZAG: usize = memory.data<u8>([
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46,
  53, 60, 61, 54, 47, 55, 62, 63, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
]);

/** Coefficients of one block, i16, and one position for those beyond the end. */
const COEFFICIENTS: usize = memory.data(160, 16);
/** 8 x 8 i16 between the two passes of the inverse DCT. */
const WORKSPACE: usize = memory.data(128, 16);
/** 8 x 8 i32 that a pass writes. Narrowed when read: a vector read from two halves just written would wait for both. */
const WIDE_WORKSPACE: usize = memory.data(256, 16);

/**
 * Writes the entropy-coded bytes at `source` backwards, ending before `end`, without the zero bytes after 0xFF, up to the
 * end-of-image marker. Backwards, because a little-endian load then has the next byte on top. Returns how many bytes were
 * written, or -1 if another marker or the end of the bytes comes first.
 */
export function unstuff(source: usize, length: i32, end: usize): i32 {
  const sourceEnd = source + <usize>length;
  const marker = i8x16.splat(-1);
  let write = end;
  while (source < sourceEnd) {
    const bytes = v128.load(source);
    if (source + 16 <= sourceEnd && !v128.any_true(i8x16.eq(bytes, marker))) {
      write -= 16;
      v128.store(write, i8x16.shuffle(bytes, bytes, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
      source += 16;
      continue;
    }
    const stop = min(source + 16, sourceEnd);
    while (source < stop) {
      const byte = load<u8>(source);
      if (byte == 0xff) {
        if (source + 1 >= sourceEnd) return -1;
        const next = load<u8>(source, 1);
        if (next == 0xd9) return <i32>(end - write);
        if (next != 0) return -1;
        source++;
      }
      source++;
      store<u8>(--write, byte);
    }
  }
  return -1;
}

/**
 * Decodes the scan that `unstuff` wrote (`length` bytes before `end`) into planes of samples. `blocks` describes the blocks
 * of an MCU, 8 i32 each: DC table, AC table, quantization (u16 in zigzag order), DC predictor (i32), first sample, bytes to
 * the next MCU in x and in y, bytes in a row of samples. Returns 0, or -1 if the data are corrupt.
 */
export function decodeScan(
  end: usize,
  length: i32,
  blocks: usize,
  blockCount: i32,
  mcusWide: i32,
  mcusHigh: i32,
): i32 {
  // A scan that failed may have left some.
  memory.fill(COEFFICIENTS, 0, 160);
  const bitLength: i64 = (<i64>length) << 3;
  let position: i64 = 0;
  let used: i32 = 0;
  let window: u64 = load<u64>(end - 8);
  for (let mcuY = 0; mcuY < mcusHigh; mcuY++) {
    for (let mcuX = 0; mcuX < mcusWide; mcuX++) {
      for (let b = 0; b < blockCount; b++) {
        const block = blocks + ((<usize>b) << 5);
        const quantization = <usize>load<i32>(block, 8);

        // The DC difference, then 63 AC coefficients; both kinds of code look the same.
        let table = <usize>load<i32>(block);
        let k = 0;
        let lastNonZero = 0;
        let extremes = 0;
        while (k < 64) {
          if (used > MAX_USED) {
            position += used;
            if (position > bitLength) return -1;
            used = 0;
            window = load<u64>(end - 8 - <usize>(position >> 3)) << (position & 7);
          }
          let entry = load<i32>(table + ((<usize>(window >> (64 - LOOKUP_BITS))) << 2));
          let value: i32;
          if (entry & 0x80) {
            // The code is in the table, its value not.
            window <<= entry & 0x1f;
            used += entry & 0x1f;
            const size = entry >> 16;
            value = size == 0 ? 0 : extend(<i32>(window >> (64 - size)), size);
            window <<= size;
            used += size;
          } else if (entry != 0) {
            window <<= entry & 0x1f;
            used += entry & 0x1f;
            value = entry >> 16;
          } else {
            entry = longCode(table, <i32>(window >> 48));
            if (entry < 0) return -1;
            const codeLength = entry >> 16;
            const size = entry & 15;
            window <<= codeLength;
            used += codeLength;
            value = size == 0 ? 0 : extend(<i32>(window >> (64 - size)), size);
            window <<= size;
            used += size;
            // An end of block too long for the table must look as it does in the table.
            entry = (entry & 0xff) == 0 && k > 0 ? 0x7f00 : (entry & 0xf0) << 4;
          }
          if (k == 0) {
            const predictor = <usize>load<i32>(block, 12);
            value += load<i32>(predictor);
            store<i32>(predictor, value);
            value *= <i32>load<u16>(quantization);
            extremes = value ^ (value >> 31);
            store<i16>(COEFFICIENTS, value);
            table = <usize>load<i32>(block, 4);
            k = 1;
            continue;
          }
          k += (entry >> 8) & 0x7f;
          if (k > 63) {
            // 127 is the end of the block; a run that leads beyond it is corrupt.
            if (((entry >> 8) & 0x7f) != 0x7f) return -1;
            break;
          }
          if (value != 0) lastNonZero = k;
          const natural = <usize>load<u8>(ZIGZAG + <usize>k);
          store<i16>(COEFFICIENTS + (natural << 1), value * <i32>load<u16>(quantization + ((<usize>k) << 1)));
          k++;
        }
        // No picture has such coefficients; how they overflow is libjpeg-turbo's business.
        if (extremes >= MAX_COEFFICIENT) return -1;
        const out = <usize>(load<i32>(block, 16) + mcuX * load<i32>(block, 20) + mcuY * load<i32>(block, 24));
        const stride = <usize>load<i32>(block, 28);
        if (lastNonZero == 0) flatBlock(out, stride);
        else inverseTransform(out, stride);
      }
    }
  }
  position += used;
  // Up to seven bits of padding may follow.
  return position <= bitLength && bitLength - position < 8 ? 0 : -1;
}

/** The value that `size` bits stand for: those with a leading zero are negative. */
function extend(bits: i32, size: i32): i32 {
  return bits < 1 << (size - 1) ? bits - (1 << size) + 1 : bits;
}

/** Code length << 16 | symbol of a code of more than LOOKUP_BITS bits, given the next 16 bits; -1 if there is none. */
function longCode(table: usize, bits: i32): i32 {
  for (let length = 11; length <= 16; length++) {
    const slot = (<usize>(length - 11)) << 2;
    if (bits < load<i32>(table + slot, LIMITS)) {
      const index = (bits >> (16 - length)) + load<i32>(table + slot, OFFSETS);
      return (length << 16) | (<i32>load<u8>(table + <usize>(index & 255), SYMBOLS));
    }
  }
  return -1;
}

/** A block of which only the mean is not zero. */
function flatBlock(out: usize, stride: usize): void {
  const sample = ((<i32>load<i16>(COEFFICIENTS) + 4) >> 3) + 128;
  const row = i8x16.splat(<i8>max(0, min(255, sample)));
  store<i16>(COEFFICIENTS, 0);
  for (let y = 0; y < 8; y++) {
    v128.store64_lane(out, row, 0);
    out += stride;
  }
}

/** The 8 x 8 samples of COEFFICIENTS, which are zero afterwards. */
function inverseTransform(out: usize, stride: usize): void {
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

/** The lower four lanes of both, in turn. */
function low(first: v128, second: v128): v128 {
  return i16x8.shuffle(first, second, 0, 8, 1, 9, 2, 10, 3, 11);
}

/** The upper four lanes of both, in turn. */
function high(first: v128, second: v128): v128 {
  return i16x8.shuffle(first, second, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** Two 16-bit numbers, four times: the factors of a dot product. */
function factors(first: i32, second: i32): v128 {
  return i32x4.splat((first & 0xffff) | (second << 16));
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

    // R = Y + 1.402 Cr; 1.402 = 1 + 26345 / 65536
    const R = i8x16.narrow_i16x8_u(
      i16x8.add(i16x8.add(y0, r0), scaled(b0, r0, 0, 26345)),
      i16x8.add(i16x8.add(y1, r1), scaled(b1, r1, 0, 26345)),
    );
    // G = Y - 0.34414 Cb - 0.71414 Cr; -0.71414 = 18734 / 65536 - 1
    const G = i8x16.narrow_i16x8_u(
      i16x8.add(i16x8.sub(y0, r0), scaled(b0, r0, -22554, 18734)),
      i16x8.add(i16x8.sub(y1, r1), scaled(b1, r1, -22554, 18734)),
    );
    // B = Y + 1.772 Cb; 1.772 = 2 - 14942 / 65536
    const B = i8x16.narrow_i16x8_u(
      i16x8.add(i16x8.add(y0, i16x8.shl(b0, 1)), scaled(b0, r0, -14942, 0)),
      i16x8.add(i16x8.add(y1, i16x8.shl(b1, 1)), scaled(b1, r1, -14942, 0)),
    );
    storePixels(out + x * 3, R, G, B);
  }
}

/** (Cb blueFactor + Cr redFactor) / 65536, rounded. */
function scaled(blues: v128, reds: v128, blueFactor: i32, redFactor: i32): v128 {
  const both = factors(blueFactor, redFactor);
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
