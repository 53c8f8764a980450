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
import { BLOCK_BYTES, inverseTransform } from './jpeg-transform';

/** Coefficients of this block and of the one before, which take turns. */
const COEFFICIENTS: usize = memory.data(256, 16);

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

/**
 * The block that is decoded but not transformed yet: while that is done, the first lookups of the next block, each of which waits
 * for the one before, leave a processor time.
 */
let pending: usize = 0;
let pendingLast = 0;
let pendingSamples: usize = 0;
let pendingStride: usize = 0;

/** The window of a scan whose first bytes are in the word at `lastWord`. */
export function startBits(lastWord: usize): u64 {
  // One that failed may have left some.
  memory.fill(COEFFICIENTS, 0, 2 * BLOCK_BYTES);
  pending = 0;
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

/** Transforms the block that was decoded last. */
export function transformPending(): void {
  if (pending != 0) inverseTransform(pending, pendingLast, pendingSamples, pendingStride);
  pending = 0;
}

/** Decodes a block and transforms the one before. Returns the window behind it. For `Table`, see `AC_TABLES`. */
export function decodeBlock<Table>(block: usize, out: usize, bits: u64): u64 {
  let next = nextWord;
  let valid = bitCount;
  let window = bits;
  let entry = codeAt(<usize>load<i32>(block), window);
  if (entry == 0) return fail();
  const mean = dequantizedMean<Table>(block, valueOf(window, entry));
  if (isTooLarge(mean)) return fail();
  const coefficients = pending == COEFFICIENTS ? COEFFICIENTS + BLOCK_BYTES : COEFFICIENTS;
  store<i16>(coefficients, mean);
  // Shifts are by the lowest six bits of what they are given.
  window <<= entry;
  valid -= entry & 63;
  let k = 1;
  let index: usize;
  let length: u64;
  let end: i32;
  // Four lookups a turn, written out: bits are read for all at once. Nothing rare is in here, where it would cost registers.
  do {
    window |= load<u64>(next) >> valid;
    next -= <usize>((63 - valid) >> 3);
    valid |= 56;
    index = indexOf(window);
    length = lengthAt<Table>(index);
    end = k + stepAt<Table>(index);
    if (end > 63) break;
    storePair<Table>(coefficients, k, end, pairAt<Table>(index));
    valid -= length;
    window <<= length;
    k = end;

    index = indexOf(window);
    length = lengthAt<Table>(index);
    end = k + stepAt<Table>(index);
    if (end > 63) break;
    storePair<Table>(coefficients, k, end, pairAt<Table>(index));
    valid -= length;
    window <<= length;
    k = end;

    index = indexOf(window);
    length = lengthAt<Table>(index);
    end = k + stepAt<Table>(index);
    if (end > 63) break;
    storePair<Table>(coefficients, k, end, pairAt<Table>(index));
    valid -= length;
    window <<= length;
    k = end;

    index = indexOf(window);
    length = lengthAt<Table>(index);
    end = k + stepAt<Table>(index);
    if (end > 63) break;
    storePair<Table>(coefficients, k, end, pairAt<Table>(index));
    valid -= length;
    window <<= length;
    k = end;
  } while (false);
  transformPending();
  for (;;) {
    while (end <= 63) {
      window |= load<u64>(next) >> valid;
      next -= <usize>((63 - valid) >> 3);
      valid |= 56;
      index = indexOf(window);
      length = lengthAt<Table>(index);
      end = k + stepAt<Table>(index);
      if (end > 63) break;
      storePair<Table>(coefficients, k, end, pairAt<Table>(index));
      valid -= length;
      window <<= length;
      k = end;

      index = indexOf(window);
      length = lengthAt<Table>(index);
      end = k + stepAt<Table>(index);
      if (end > 63) break;
      storePair<Table>(coefficients, k, end, pairAt<Table>(index));
      valid -= length;
      window <<= length;
      k = end;

      index = indexOf(window);
      length = lengthAt<Table>(index);
      end = k + stepAt<Table>(index);
      if (end > 63) break;
      storePair<Table>(coefficients, k, end, pairAt<Table>(index));
      valid -= length;
      window <<= length;
      k = end;

      index = indexOf(window);
      length = lengthAt<Table>(index);
      end = k + stepAt<Table>(index);
      if (end > 63) break;
      storePair<Table>(coefficients, k, end, pairAt<Table>(index));
      valid -= length;
      window <<= length;
      k = end;
    }
    end -= STEP_TO_END;
    if (end >= k && end <= 63) {
      // Without a coefficient before the end, that is a zero where there is none.
      storeFirst<Table>(coefficients, k, pairAt<Table>(index));
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
    storeCoefficient<Table>(coefficients, k, value);
    k++;
    end = k;
    if (k > 63) break;
  }
  pending = coefficients;
  pendingLast = k - 1;
  pendingSamples = out;
  pendingStride = <usize>load<i32>(block, 24);
  window |= load<u64>(next) >> valid;
  nextWord = next - <usize>((63 - valid) >> 3);
  bitCount = valid | 56;
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
function storePair<Table>(coefficients: usize, k: i32, end: i32, pair: i32): void {
  storeCoefficient<Table>(coefficients, end - 1, <i32>(<i8>pair));
  storeFirst<Table>(coefficients, k, pair);
}

function storeFirst<Table>(coefficients: usize, k: i32, pair: i32): void {
  storeCoefficient<Table>(coefficients, k + ((pair >> 16) & 15), pair >> 21);
}

/** Stores a coefficient at a position in zigzag order, times its divisor. */
function storeCoefficient<Table>(coefficients: usize, k: i32, value: i32): void {
  const place = <usize>load<u16>((<usize>k) << 1, AC_TABLES + (sizeof<Table>() - 1) * TABLE_BYTES + PLACES);
  store<i16>(coefficients + place, value * divisorAt<Table>(k));
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
