/** Entropy-coded data (ITU-T T.81, annex F) to blocks of coefficients, each transformed at once. */
import {
  AC_TABLES,
  codeAt,
  DIVISORS,
  END_OF_BLOCK,
  LENGTHS,
  PAIR_BITS,
  PAIRS,
  PLACES,
  runOf,
  STEP_TO_END,
  STEPS,
  TABLE_BYTES,
  valueOf,
} from './jpeg-tables';
import { COEFFICIENTS, flatBlock, inverseTransform } from './jpeg-transform';

/** What `blocks` tells of each. */
const BLOCK_BYTES: usize = 28;

/** Longer scans have more bits than an i32 counts. */
const MAX_LENGTH: i32 = 1 << 27;

/** Coefficients of 8-bit samples are below 2048 but for rounding. */
const MAX_COEFFICIENT: i32 = 8192;

/**
 * Decodes the scan that `unstuff` wrote (`length` bytes before `end`) into planes of samples: those of the MCUs from (left, top)
 * up to (right, bottom), of the others only the codes are read. `blocks` describes the blocks of an MCU, 7 i32 each: DC table,
 * number of the AC table with the divisors, DC predictor (i32), first sample, bytes to the next MCU in x and in y, bytes in a row of samples.
 * Returns 0, or -1 if the data are corrupt.
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
  bits = 0;
  bitCount = 0;
  nextWord = lastWord;
  for (let mcuY = 0; mcuY < mcusHigh; mcuY++) {
    const rowWanted = mcuY >= top && mcuY < bottom;
    for (let mcuX = 0; mcuX < mcusWide; mcuX++) {
      const wanted = rowWanted && mcuX >= left && mcuX < right;
      if (!decodeMcu(blocks, blockCount, mcuX, mcuY, wanted) || bitsLeft(lastWord, length) < 0) return -1;
    }
  }
  // Up to seven bits of padding may follow.
  return bitsLeft(lastWord, length) < 8 ? 0 : -1;
}

/**
 * The blocks of an MCU: of luma 1, 2 or 4, then two of chroma or none. Written out instead of a loop: with the branches of blocks
 * in between, which are like random, a processor does not learn how often a short loop runs and which table comes when.
 */
function decodeMcu(blocks: usize, count: i32, mcuX: i32, mcuY: i32, wanted: bool): bool {
  if (!decodeLuma(blocks, mcuX, mcuY, wanted)) return false;
  if (count == 1) return true;
  let chroma = blocks + BLOCK_BYTES;
  if (count > 3) {
    if (!decodeLuma(chroma, mcuX, mcuY, wanted)) return false;
    chroma += BLOCK_BYTES;
  }
  if (count > 4) {
    if (!decodeLuma(chroma, mcuX, mcuY, wanted)) return false;
    if (!decodeLuma(chroma + BLOCK_BYTES, mcuX, mcuY, wanted)) return false;
    chroma += 2 * BLOCK_BYTES;
  }
  if (!decodeChroma(chroma, mcuX, mcuY, wanted)) return false;
  return decodeChroma(chroma + BLOCK_BYTES, mcuX, mcuY, wanted);
}

/** Luma has the first of the AC tables. */
function decodeLuma(block: usize, mcuX: i32, mcuY: i32, wanted: bool): bool {
  return wanted ? decodeBlock<u8>(block, samplesOf(block, mcuX, mcuY)) : skipBlock<u8>(block);
}

/** Chroma may share it. */
function decodeChroma(block: usize, mcuX: i32, mcuY: i32, wanted: bool): bool {
  if (load<i32>(block, 4) == 0) return decodeLuma(block, mcuX, mcuY, wanted);
  return wanted ? decodeBlock<u16>(block, samplesOf(block, mcuX, mcuY)) : skipBlock<u16>(block);
}

/** Where a block's samples go. */
function samplesOf(block: usize, mcuX: i32, mcuY: i32): usize {
  return <usize>(load<i32>(block, 12) + mcuX * load<i32>(block, 16) + mcuY * load<i32>(block, 20));
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

/**
 * Decodes and transforms a block. False if it is corrupt. `Table` tells which AC table it has: u8 the first, u16 the second, since
 * types are the only constants that a function can be compiled for.
 */
function decodeBlock<Table>(block: usize, out: usize): bool {
  let next = nextWord;
  let valid = bitCount;
  let window = bits | (load<u64>(next) >> valid);
  next -= <usize>((63 - valid) >> 3);
  valid |= 56;
  let entry = codeAt(<usize>load<i32>(block), window);
  if (entry == 0) return false;
  const mean = dequantizedMean<Table>(block, valueOf(window, entry));
  if (isTooLarge(mean)) return false;
  store<i16>(COEFFICIENTS, mean);
  // Shifts are by the lowest six bits of what they are given.
  window <<= entry;
  valid -= entry & 63;
  let k = 1;
  for (;;) {
    let index: usize;
    let end: i32;
    // Four lookups a turn, written out: bits are read for all at once. Nothing rare is in here, where it would cost registers.
    for (;;) {
      window |= load<u64>(next) >> valid;
      next -= <usize>((63 - valid) >> 3);
      valid |= 56;
      index = indexOf(window);
      end = k + stepAt<Table>(index);
      if (end > 63) break;
      storePair<Table>(k, end, pairAt<Table>(index));
      valid -= lengthAt<Table>(index);
      window <<= lengthAt<Table>(index);
      k = end;

      index = indexOf(window);
      end = k + stepAt<Table>(index);
      if (end > 63) break;
      storePair<Table>(k, end, pairAt<Table>(index));
      valid -= lengthAt<Table>(index);
      window <<= lengthAt<Table>(index);
      k = end;

      index = indexOf(window);
      end = k + stepAt<Table>(index);
      if (end > 63) break;
      storePair<Table>(k, end, pairAt<Table>(index));
      valid -= lengthAt<Table>(index);
      window <<= lengthAt<Table>(index);
      k = end;

      index = indexOf(window);
      end = k + stepAt<Table>(index);
      if (end > 63) break;
      storePair<Table>(k, end, pairAt<Table>(index));
      valid -= lengthAt<Table>(index);
      window <<= lengthAt<Table>(index);
      k = end;
    }
    end -= STEP_TO_END;
    if (end >= k && end <= 63) {
      // Without a coefficient before the end, that is a zero where there is none.
      storeFirst<Table>(k, pairAt<Table>(index));
      valid -= lengthAt<Table>(index);
      window <<= lengthAt<Table>(index);
      k = end;
      break;
    }
    // A block without an end: what was looked up is the next one's.
    if (k > 63) break;
    window |= load<u64>(next) >> valid;
    next -= <usize>((63 - valid) >> 3);
    valid |= 56;
    entry = codeAt(AC_TABLES + (sizeof<Table>() - 1) * TABLE_BYTES, window);
    if (entry == 0) return false;
    const value = valueOf(window, entry);
    window <<= entry;
    valid -= entry & 63;
    if (runOf(entry) == END_OF_BLOCK) break;
    k += runOf(entry);
    if (k > 63) return false;
    storeCoefficient<Table>(k, value);
    k++;
  }
  bits = window;
  bitCount = valid;
  nextWord = next;
  const stride = <usize>load<i32>(block, 24);
  if (k == 1) flatBlock(out, stride);
  else inverseTransform(out, stride, k - 1);
  return true;
}

/** Reads a block as `decodeBlock` does, but for its samples. */
function skipBlock<Table>(block: usize): bool {
  let next = nextWord;
  let valid = bitCount;
  let window = bits | (load<u64>(next) >> valid);
  next -= <usize>((63 - valid) >> 3);
  valid |= 56;
  let entry = codeAt(<usize>load<i32>(block), window);
  if (entry == 0) return false;
  const mean = dequantizedMean<Table>(block, valueOf(window, entry));
  if (isTooLarge(mean)) return false;
  window <<= entry;
  valid -= entry & 63;
  let k = 1;
  for (;;) {
    let index: usize;
    let end: i32;
    for (;;) {
      window |= load<u64>(next) >> valid;
      next -= <usize>((63 - valid) >> 3);
      valid |= 56;
      index = indexOf(window);
      end = k + stepAt<Table>(index);
      if (end > 63) break;
      valid -= lengthAt<Table>(index);
      window <<= lengthAt<Table>(index);
      k = end;

      index = indexOf(window);
      end = k + stepAt<Table>(index);
      if (end > 63) break;
      valid -= lengthAt<Table>(index);
      window <<= lengthAt<Table>(index);
      k = end;
    }
    end -= STEP_TO_END;
    if (end >= k && end <= 63) {
      valid -= lengthAt<Table>(index);
      window <<= lengthAt<Table>(index);
      break;
    }
    if (k > 63) break;
    window |= load<u64>(next) >> valid;
    next -= <usize>((63 - valid) >> 3);
    valid |= 56;
    entry = codeAt(AC_TABLES + (sizeof<Table>() - 1) * TABLE_BYTES, window);
    if (entry == 0) return false;
    window <<= entry;
    valid -= entry & 63;
    if (runOf(entry) == END_OF_BLOCK) break;
    k += runOf(entry) + 1;
    if (k > 64) return false;
  }
  bits = window;
  bitCount = valid;
  nextWord = next;
  return true;
}

/** Where the coefficients are in an AC table that a window begins with. */
function indexOf(window: u64): usize {
  return <usize>(window >> (64 - PAIR_BITS));
}

/** Bits of one or two coefficients. */
function lengthAt<Table>(index: usize): u64 {
  return <u64>load<u8>(index, AC_TABLES + (sizeof<Table>() - 1) * TABLE_BYTES + LENGTHS);
}

/** How far they lead in the block; beyond any if they end it or are not known. */
function stepAt<Table>(index: usize): i32 {
  return <i32>load<u8>(index, AC_TABLES + (sizeof<Table>() - 1) * TABLE_BYTES + STEPS);
}

function pairAt<Table>(index: usize): i32 {
  return load<i32>(index << 2, AC_TABLES + (sizeof<Table>() - 1) * TABLE_BYTES + PAIRS);
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
  const divisor = <i32>load<u16>((<usize>k) << 1, AC_TABLES + (sizeof<Table>() - 1) * TABLE_BYTES + DIVISORS);
  store<i16>(place, value * divisor, COEFFICIENTS);
}

/** The block's mean, its predictor plus the difference, as a coefficient. */
function dequantizedMean<Table>(block: usize, difference: i32): i32 {
  const predictor = <usize>load<i32>(block, 8);
  const mean = difference + load<i32>(predictor);
  store<i32>(predictor, mean);
  return mean * <i32>load<u16>(0, AC_TABLES + (sizeof<Table>() - 1) * TABLE_BYTES + DIVISORS);
}

/** True if no picture has such a coefficient: how it overflows is libjpeg-turbo's business. */
function isTooLarge(coefficient: i32): bool {
  return (coefficient ^ (coefficient >> 31)) >= MAX_COEFFICIENT;
}
