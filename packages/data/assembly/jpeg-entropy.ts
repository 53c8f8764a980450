/** Entropy-coded data (ITU-T T.81, annex F) to planes of samples, one MCU after the other. */
import { bitsLeft, decodeBlock, isCorrupt, skipBlock, startBits, transformPending } from './jpeg-block';

/** What `blocks` tells of each. */
const BLOCK_BYTES: usize = 28;

/** Longer scans have more bits than an i32 counts. */
const MAX_LENGTH: i32 = 1 << 27;

/**
 * Decodes the scan that `unstuff` wrote (`length` bytes before `end`) into planes of samples: those of the MCUs from (left, top)
 * up to (right, bottom), of the others only the codes are read. `blocks` describes the blocks of an MCU, 7 i32 each: DC table,
 * number of the AC table with the divisors, DC predictor (i32), first sample, bytes to the next MCU in x and in y, bytes in a row
 * of samples. Returns 0, or -1 if the data are corrupt.
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
  const lastWord = end - 8;
  let window = startBits(lastWord);
  for (let mcuY = 0; mcuY < mcusHigh; mcuY++) {
    const rowWanted = mcuY >= top && mcuY < bottom;
    for (let mcuX = 0; mcuX < mcusWide; mcuX++) {
      const wanted = rowWanted && mcuX >= left && mcuX < right;
      window = decodeMcu(blocks, blockCount, mcuX, mcuY, wanted, window);
      if (isCorrupt() || bitsLeft(lastWord, length) < 0) return -1;
    }
  }
  transformPending();
  // Up to seven bits of padding may follow.
  return bitsLeft(lastWord, length) < 8 ? 0 : -1;
}

/**
 * The blocks of an MCU: of luma 1, 2 or 4, then two of chroma or none. Written out instead of a loop: with the branches of blocks
 * in between, which are like random, a processor does not learn how often a short loop runs and which table comes when.
 */
function decodeMcu(blocks: usize, count: i32, mcuX: i32, mcuY: i32, wanted: bool, bits: u64): u64 {
  let window = decodeLuma(blocks, mcuX, mcuY, wanted, bits);
  if (count == 1) return window;
  let chroma = blocks + BLOCK_BYTES;
  if (count > 3) {
    window = decodeLuma(chroma, mcuX, mcuY, wanted, window);
    chroma += BLOCK_BYTES;
  }
  if (count > 4) {
    window = decodeLuma(chroma, mcuX, mcuY, wanted, window);
    window = decodeLuma(chroma + BLOCK_BYTES, mcuX, mcuY, wanted, window);
    chroma += 2 * BLOCK_BYTES;
  }
  window = decodeChroma(chroma, mcuX, mcuY, wanted, window);
  return decodeChroma(chroma + BLOCK_BYTES, mcuX, mcuY, wanted, window);
}

/** Luma has the first of the AC tables. */
function decodeLuma(block: usize, mcuX: i32, mcuY: i32, wanted: bool, window: u64): u64 {
  return wanted ? decodeBlock<u8>(block, samplesOf(block, mcuX, mcuY), window) : skipBlock<u8>(block, window);
}

/** Chroma may share it. */
function decodeChroma(block: usize, mcuX: i32, mcuY: i32, wanted: bool, window: u64): u64 {
  if (load<i32>(block, 4) == 0) return decodeLuma(block, mcuX, mcuY, wanted, window);
  return wanted
    ? decodeBlock<u16>(block, samplesOf(block, mcuX, mcuY), window)
    : skipBlock<u16>(block, window);
}

/** Where a block's samples go. */
function samplesOf(block: usize, mcuX: i32, mcuY: i32): usize {
  return <usize>(load<i32>(block, 12) + mcuX * load<i32>(block, 16) + mcuY * load<i32>(block, 20));
}
