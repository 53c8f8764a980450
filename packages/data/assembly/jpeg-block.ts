/** One block: codes (ITU-T T.81, annex F) to coefficients, transformed at once. */
import {
  AC_TABLES,
  codeAt,
  DIVISORS,
  END_OF_BLOCK,
  indexOf,
  lengthAt,
  pairAt,
  PLACES,
  runOf,
  STEP_TO_END,
  stepAt,
  TABLE_BYTES,
  valueOf,
} from './jpeg-tables';
import { COEFFICIENTS, flatBlock, inverseTransform } from './jpeg-transform';

/** Coefficients of 8-bit samples are below 2048 but for rounding. */
const MAX_COEFFICIENT: i32 = 8192;

/**
 * What was read of the scan and not used yet is handed from block to block as a window, the first bit on top: `bitCount` bits of
 * it, at least 56, are valid. The next come from `nextWord` on: to load them, nothing has to wait for the code that is looked up.
 */
let bitCount: u64 = 0;
let nextWord: usize = 0;
/** Whether a block was corrupt. */
let corrupt = false;

/** The window of a scan whose first bytes are in the word at `lastWord`. */
export function startBits(lastWord: usize): u64 {
  // One that failed may have left some.
  memory.fill(COEFFICIENTS, 0, 128);
  corrupt = false;
  nextWord = lastWord - 7;
  bitCount = 56;
  return load<u64>(lastWord);
}

export function isCorrupt(): bool {
  return corrupt;
}

/** Notes that a block is corrupt; whatever comes then is not looked at. */
function fail(): u64 {
  corrupt = true;
  return 0;
}

/** Bits of a scan of `length` bytes that are not used yet. */
export function bitsLeft(lastWord: usize, length: i32): i32 {
  return ((length - <i32>(lastWord - nextWord)) << 3) + <i32>bitCount;
}

/** Decodes and transforms a block. Returns the window behind it. For `Table`, see `AC_TABLES`. */
export function decodeBlock<Table>(block: usize, out: usize, bits: u64): u64 {
  let next = nextWord;
  let valid = bitCount;
  let window = bits;
  let entry = codeAt(<usize>load<i32>(block), window);
  if (entry == 0) return fail();
  const mean = dequantizedMean<Table>(block, valueOf(window, entry));
  if (isTooLarge(mean)) return fail();
  store<i16>(COEFFICIENTS, mean);
  // Shifts are by the lowest six bits of what they are given.
  window <<= entry;
  valid -= entry & 63;
  let k = 1;
  for (;;) {
    let index: usize;
    let length: u64;
    let end: i32;
    // Four lookups a turn, written out: bits are read for all at once. Nothing rare is in here, where it would cost registers.
    for (;;) {
      window |= load<u64>(next) >> valid;
      next -= <usize>((63 - valid) >> 3);
      valid |= 56;
      index = indexOf(window);
      length = lengthAt<Table>(index);
      end = k + stepAt<Table>(index);
      if (end > 63) break;
      storePair<Table>(k, end, pairAt<Table>(index));
      valid -= length;
      window <<= length;
      k = end;

      index = indexOf(window);
      length = lengthAt<Table>(index);
      end = k + stepAt<Table>(index);
      if (end > 63) break;
      storePair<Table>(k, end, pairAt<Table>(index));
      valid -= length;
      window <<= length;
      k = end;

      index = indexOf(window);
      length = lengthAt<Table>(index);
      end = k + stepAt<Table>(index);
      if (end > 63) break;
      storePair<Table>(k, end, pairAt<Table>(index));
      valid -= length;
      window <<= length;
      k = end;

      index = indexOf(window);
      length = lengthAt<Table>(index);
      end = k + stepAt<Table>(index);
      if (end > 63) break;
      storePair<Table>(k, end, pairAt<Table>(index));
      valid -= length;
      window <<= length;
      k = end;
    }
    end -= STEP_TO_END;
    if (end >= k && end <= 63) {
      // Without a coefficient before the end, that is a zero where there is none.
      storeFirst<Table>(k, pairAt<Table>(index));
      valid -= length;
      window <<= length;
      k = end;
      break;
    }
    // A block without an end: what was looked up is the next one's.
    if (k > 63) break;
    window |= load<u64>(next) >> valid;
    next -= <usize>((63 - valid) >> 3);
    valid |= 56;
    entry = codeAt(AC_TABLES + (sizeof<Table>() - 1) * TABLE_BYTES, window);
    if (entry == 0) return fail();
    const value = valueOf(window, entry);
    window <<= entry;
    valid -= entry & 63;
    if (runOf(entry) == END_OF_BLOCK) break;
    k += runOf(entry);
    if (k > 63 || isTooLarge(value * divisorAt<Table>(k))) return fail();
    storeCoefficient<Table>(k, value);
    k++;
  }
  window |= load<u64>(next) >> valid;
  nextWord = next - <usize>((63 - valid) >> 3);
  bitCount = valid | 56;
  const stride = <usize>load<i32>(block, 24);
  if (k == 1) flatBlock(out, stride);
  else inverseTransform(out, stride, k - 1);
  return window;
}

/** Reads a block as `decodeBlock` does, but for its samples. */
export function skipBlock<Table>(block: usize, bits: u64): u64 {
  let next = nextWord;
  let valid = bitCount;
  let window = bits;
  let entry = codeAt(<usize>load<i32>(block), window);
  if (entry == 0) return fail();
  const mean = dequantizedMean<Table>(block, valueOf(window, entry));
  if (isTooLarge(mean)) return fail();
  window <<= entry;
  valid -= entry & 63;
  let k = 1;
  for (;;) {
    let index: usize;
    let length: u64;
    let end: i32;
    for (;;) {
      window |= load<u64>(next) >> valid;
      next -= <usize>((63 - valid) >> 3);
      valid |= 56;
      index = indexOf(window);
      length = lengthAt<Table>(index);
      end = k + stepAt<Table>(index);
      if (end > 63) break;
      valid -= length;
      window <<= length;
      k = end;

      index = indexOf(window);
      length = lengthAt<Table>(index);
      end = k + stepAt<Table>(index);
      if (end > 63) break;
      valid -= length;
      window <<= length;
      k = end;
    }
    end -= STEP_TO_END;
    if (end >= k && end <= 63) {
      valid -= length;
      window <<= length;
      break;
    }
    if (k > 63) break;
    window |= load<u64>(next) >> valid;
    next -= <usize>((63 - valid) >> 3);
    valid |= 56;
    entry = codeAt(AC_TABLES + (sizeof<Table>() - 1) * TABLE_BYTES, window);
    if (entry == 0) return fail();
    const value = valueOf(window, entry);
    window <<= entry;
    valid -= entry & 63;
    if (runOf(entry) == END_OF_BLOCK) break;
    k += runOf(entry);
    if (k > 63 || isTooLarge(value * divisorAt<Table>(k))) return fail();
    k++;
  }
  window |= load<u64>(next) >> valid;
  nextWord = next - <usize>((63 - valid) >> 3);
  bitCount = valid | 56;
  return window;
}

/** Stores the coefficients from position k up to `end`: first the second, which may be a zero at the place of the first. */
function storePair<Table>(k: i32, end: i32, pair: i32): void {
  storeCoefficient<Table>(end - 1, <i32>(<i8>pair));
  storeFirst<Table>(k, pair);
}

function storeFirst<Table>(k: i32, pair: i32): void {
  storeCoefficient<Table>(k + ((pair >> 16) & 15), pair >> 21);
}

/** Stores a coefficient at a position in zigzag order, times its divisor. */
function storeCoefficient<Table>(k: i32, value: i32): void {
  const place = <usize>load<u16>((<usize>k) << 1, AC_TABLES + (sizeof<Table>() - 1) * TABLE_BYTES + PLACES);
  store<i16>(place, value * divisorAt<Table>(k), COEFFICIENTS);
}

function divisorAt<Table>(k: i32): i32 {
  return <i32>load<u16>((<usize>k) << 1, AC_TABLES + (sizeof<Table>() - 1) * TABLE_BYTES + DIVISORS);
}

/** The block's mean, its predictor plus the difference, as a coefficient. */
function dequantizedMean<Table>(block: usize, difference: i32): i32 {
  const predictor = <usize>load<i32>(block, 8);
  const mean = difference + load<i32>(predictor);
  store<i32>(predictor, mean);
  return mean * divisorAt<Table>(0);
}

/** True if no picture has such a coefficient: how it overflows is libjpeg-turbo's business. */
function isTooLarge(coefficient: i32): bool {
  return (coefficient ^ (coefficient >> 31)) >= MAX_COEFFICIENT;
}
