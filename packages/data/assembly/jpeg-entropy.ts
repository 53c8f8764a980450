/** Entropy-coded data (ITU-T T.81, annex F) to blocks of coefficients, each transformed at once. */
import { COEFFICIENTS, flatBlock, inverseTransform } from './jpeg-transform';

/** Lookup bits of a Huffman table, and where its parts lie. */
const LOOKUP_BITS: i64 = 10;
const LIMITS: usize = 4096;
const OFFSETS: usize = 4128;
const SYMBOLS: usize = 4160;

/** The run of the symbol that ends a block. */
const END_OF_BLOCK: i32 = 127;

/** Longer scans have more bits than an i32 counts. */
const MAX_LENGTH: i32 = 1 << 27;

/** Coefficients of 8-bit samples are below 2048 but for rounding. */
const MAX_COEFFICIENT: i32 = 8192;

/**
 * Decodes the scan that `unstuff` wrote (`length` bytes before `end`) into planes of samples: those of the MCUs from (left, top)
 * up to (right, bottom), of the others only the codes are read. `blocks` describes the blocks of an MCU, 8 i32 each: DC table, AC
 * table, divisors in zigzag order, DC predictor (i32), first sample, bytes to the next MCU in x and in y, bytes in a row of
 * samples. Returns 0, or -1 if the data are corrupt.
 */
export function decodeScan(
  end: usize,
  length: i32,
  blocks: usize,
  blockCount: i32,
  mcusWide: i32,
  mcusHigh: i32,
  left: i32,
  top: i32,
  right: i32,
  bottom: i32,
): i32 {
  if (length > MAX_LENGTH) return -1;
  // A scan that failed may have left some.
  memory.fill(COEFFICIENTS, 0, 128);
  const lastWord = end - 8;
  const blocksEnd = blocks + ((<usize>blockCount) << 5);
  bits = 0;
  bitCount = 0;
  nextWord = lastWord;
  for (let mcuY = 0; mcuY < mcusHigh; mcuY++) {
    const rowWanted = mcuY >= top && mcuY < bottom;
    for (let mcuX = 0; mcuX < mcusWide; mcuX++) {
      const wanted = rowWanted && mcuX >= left && mcuX < right;
      for (let block = blocks; block < blocksEnd; block += 32) {
        let intact: bool;
        if (wanted) {
          const out = <usize>(
            (load<i32>(block, 16) + mcuX * load<i32>(block, 20) + mcuY * load<i32>(block, 24))
          );
          intact = decodeBlock(block, out);
        } else intact = skipBlock(block);
        if (!intact || bitsLeft(lastWord, length) < 0) return -1;
      }
    }
  }
  // Up to seven bits of padding may follow.
  return bitsLeft(lastWord, length) < 8 ? 0 : -1;
}

/**
 * What was read of the scan and not used yet: `bitCount` bits, the first on top of `bits`. The next come from `nextWord` on: to
 * load them, nothing has to wait for the code that is looked up meanwhile.
 */
let bits: u64 = 0;
let bitCount: u64 = 0;
let nextWord: usize = 0;

/** Bits of a scan of `length` bytes that are not used yet. */
function bitsLeft(lastWord: usize, length: i32): i32 {
  return ((length - <i32>(lastWord - nextWord)) << 3) + <i32>bitCount;
}

/** Decodes and transforms a block. False if it is corrupt. */
function decodeBlock(block: usize, out: usize): bool {
  let next = nextWord;
  let valid = bitCount;
  let window = bits | (load<u64>(next) >> valid);
  next -= <usize>((63 - valid) >> 3);
  valid |= 56;
  let entry = codeAt(<usize>load<i32>(block), window);
  if (entry == 0) return false;
  const mean = dequantizedMean(block, valueOf(window, entry));
  if (isTooLarge(mean)) return false;
  store<i16>(COEFFICIENTS, mean);
  // Shifts are by the lowest six bits of what they are given.
  window <<= entry;
  valid -= entry & 63;

  const table = <usize>load<i32>(block, 4);
  const divisors = <usize>load<i32>(block, 8);
  let last = 0;
  let k = 1;
  // Two codes a turn, written out: bits are read for both at once, of at most 16 bits with values of at most 10.
  for (;;) {
    window |= load<u64>(next) >> valid;
    next -= <usize>((63 - valid) >> 3);
    valid |= 56;
    entry = codeAt(table, window);
    if (entry == 0) return false;
    valid -= entry & 63;
    k += runOf(entry);
    if (k > 63) break;
    last = k;
    storeCoefficient(divisors, k, valueOf(window, entry));
    window <<= entry;
    if (++k > 63) break;

    entry = codeAt(table, window);
    if (entry == 0) return false;
    valid -= entry & 63;
    k += runOf(entry);
    if (k > 63) break;
    last = k;
    storeCoefficient(divisors, k, valueOf(window, entry));
    window <<= entry;
    if (++k > 63) break;
  }
  if (last != 63) {
    // A run that leads beyond the block is corrupt.
    if (!isEnd(entry)) return false;
    window <<= entry;
  }
  bits = window;
  bitCount = valid;
  nextWord = next;
  const stride = <usize>load<i32>(block, 28);
  if (last == 0) flatBlock(out, stride);
  else inverseTransform(out, stride, last);
  return true;
}

/** Reads a block as `decodeBlock` does, but for its samples. */
function skipBlock(block: usize): bool {
  let next = nextWord;
  let valid = bitCount;
  let window = bits | (load<u64>(next) >> valid);
  next -= <usize>((63 - valid) >> 3);
  valid |= 56;
  let entry = codeAt(<usize>load<i32>(block), window);
  if (entry == 0 || isTooLarge(dequantizedMean(block, valueOf(window, entry)))) return false;
  window <<= entry;
  valid -= entry & 63;

  const table = <usize>load<i32>(block, 4);
  let k = 1;
  for (;;) {
    window |= load<u64>(next) >> valid;
    next -= <usize>((63 - valid) >> 3);
    valid |= 56;
    entry = codeAt(table, window);
    if (entry == 0) return false;
    window <<= entry;
    valid -= entry & 63;
    k += runOf(entry) + 1;
    if (k > 63) break;

    entry = codeAt(table, window);
    if (entry == 0) return false;
    window <<= entry;
    valid -= entry & 63;
    k += runOf(entry) + 1;
    if (k > 63) break;
  }
  bits = window;
  bitCount = valid;
  nextWord = next;
  return k == 64 || isEnd(entry);
}

/** Stores a coefficient at a position in zigzag order, times its divisor. */
function storeCoefficient(divisors: usize, k: i32, value: i32): void {
  const divisor = load<u32>(divisors + ((<usize>k) << 2));
  store<i16>(COEFFICIENTS + <usize>(divisor >> 16), value * <i32>(divisor & 0xffff));
}

/** How many zeros come before an AC value; END_OF_BLOCK if there is none. */
function runOf(entry: u64): i32 {
  return (<i32>(entry >> 16)) & 0xff;
}

function isEnd(entry: u64): bool {
  return runOf(entry) == END_OF_BLOCK;
}

/** The value after the code that a window begins with: those with a leading zero are negative. */
function valueOf(window: u64, entry: u64): i32 {
  const bits = window << (entry >> 8);
  // All ones if negative: the value is then that of the inverted bits, negated.
  const negative = (<u64>((<i64>bits) >> 63)) ^ -1;
  const size = bits ^ negative;
  return <i32>((((size >> 1) >> (entry >> 24)) ^ negative) - negative);
}

/** The block's mean, its predictor plus the difference, as a coefficient. */
function dequantizedMean(block: usize, difference: i32): i32 {
  const predictor = <usize>load<i32>(block, 12);
  const mean = difference + load<i32>(predictor);
  store<i32>(predictor, mean);
  return mean * <i32>load<u16>(<usize>load<i32>(block, 8));
}

/** True if no picture has such a coefficient: how it overflows is libjpeg-turbo's business. */
function isTooLarge(coefficient: i32): bool {
  return (coefficient ^ (coefficient >> 31)) >= MAX_COEFFICIENT;
}

/** The code that a window begins with, as an entry of the table; 0 if there is none. */
function codeAt(table: usize, window: u64): u64 {
  const entry = <u64>load<u32>(table + ((<usize>(window >> (64 - LOOKUP_BITS))) << 2));
  return entry == 0 ? longCode(table, window) : entry;
}

/** As an entry of the table the code of more than LOOKUP_BITS bits that a window begins with; 0 if there is none. */
function longCode(table: usize, window: u64): u64 {
  const bits = <i32>(window >> 48);
  for (let length = <i32>LOOKUP_BITS + 1; length <= 16; length++) {
    const slot = (<usize>(length - <i32>LOOKUP_BITS - 1)) << 2;
    if (bits < load<i32>(table + slot, LIMITS)) {
      const index = (bits >> (16 - length)) + load<i32>(table + slot, OFFSETS);
      const symbol = <i32>load<u8>(table + <usize>(index & 255), SYMBOLS);
      const run = symbol == 0 ? END_OF_BLOCK : symbol >> 4;
      const size = symbol & 15;
      return (<u64>((63 - size) << 24)) | (run << 16) | (length << 8) | (length + size);
    }
  }
  return 0;
}
