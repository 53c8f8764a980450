/**
 * Huffman tables (ITU-T T.81, annex C) as `decodeScan` looks codes up. A table of codes has for every 10 bits an entry of the code
 * that they begin with, then what finds longer codes. An AC table has for every 12 bits also the one or two coefficients, values
 * and all, that they begin with: decoding is one long chain of lookups, each of which waits for the one before.
 */

/** Parts of a table of codes. */
const CODE_BITS: i32 = 10;
const LIMITS: usize = 4096;
const OFFSETS: usize = 4128;
const SYMBOLS: usize = 4160;

/** For each position in zigzag order the place of a coefficient and its divisor: behind the codes of an AC table. */
export const PLACES: usize = 4416;
export const DIVISORS: usize = 4544;

/** Then for each 12 bits: how many of them are used, how far they lead in the block, and the values. Vectors end behind them. */
const PAIR_BITS: i32 = 12;
const PAIR_COUNT: usize = 1 << PAIR_BITS;
const LENGTHS: usize = 4672;
const STEPS: usize = LENGTHS + PAIR_COUNT + 16;
const PAIRS: usize = STEPS + PAIR_COUNT + 16;
export const TABLE_BYTES: usize = PAIRS + 4 * PAIR_COUNT + 16;

/** Bits that the value of a second coefficient has at most. */
const MAX_SECOND_SIZE: i32 = 7;
/** Of one array of `prepareSeconds`: twice the indices, and the end of a vector. */
const SECONDS_BYTES: usize = 2 * PAIR_COUNT + 32;

/**
 * Two AC tables, at addresses that are constants of the code: so are the addresses of their parts. A type `Table` tells which: u8
 * the first, u16 the second, since types are the only constants that a function can be compiled for.
 */
export const AC_TABLES: usize = memory.data(58592, 16);

/** Instead of runs of zeros: of the symbol that ends a block, and where a code is longer than the lookup. */
export const END_OF_BLOCK: i32 = 127;
const LONG_CODE: i32 = 126;

/** A step that much larger than the coefficients is to the end of a block; no pair is at UNKNOWN. All lead beyond any block. */
export const STEP_TO_END: i32 = 64;
const UNKNOWN: i32 = 128;

/**
 * Makes a table of codes from the numbers of codes of each length, 16 bytes, and the symbols behind them. Returns false if it is
 * not as the standard says.
 */
export function prepareCodes(source: usize, length: i32, isAc: bool, table: usize): bool {
  const unknown = i32x4.splat(LONG_CODE << 16);
  for (let i: usize = 0; i < 4 << CODE_BITS; i += 16) v128.store(table + i, unknown);
  const symbols = source + 16;
  memory.copy(table + SYMBOLS, symbols, length - 16);
  let code = 0;
  let next = 0;
  for (let bits = 1; bits <= 16; bits++) {
    const count = <i32>load<u8>(source + bits - 1);
    if (code + count > 1 << bits) return false;
    if (bits > CODE_BITS) {
      const slot = table + ((<usize>(bits - CODE_BITS - 1)) << 2);
      store<i32>(slot, next - code, OFFSETS);
      store<i32>(slot, count == 0 ? 0 : (code + count) << (16 - bits), LIMITS);
    }
    for (let i = 0; i < count; i++) {
      const symbol = <i32>load<u8>(symbols + next);
      if (!(isAc ? isAcSymbol(symbol) : symbol <= 11)) return false;
      if (bits <= CODE_BITS) {
        const entry = entryOf(symbol, bits);
        const from = table + (((<usize>code) << (CODE_BITS - bits)) << 2);
        const to = from + (4 << (CODE_BITS - bits));
        for (let at = from; at < to; at += 4) store<u32>(at, <u32>entry);
      }
      code++;
      next++;
    }
    code <<= 1;
  }
  return true;
}

/** End of block, sixteen zeros, or a run before a value of 1 to 10 bits. */
function isAcSymbol(symbol: i32): bool {
  const size = symbol & 15;
  return size == 0 ? symbol == 0 || symbol == 0xf0 : size <= 10;
}

/** What is known of a code: 63 less size of the value << 24 | run << 16 | bits of the code << 8 | bits of code and value. */
function entryOf(symbol: i32, length: i32): u64 {
  const size = symbol & 15;
  const run = symbol == 0 ? END_OF_BLOCK : symbol >> 4;
  return ((<u64>(63 - size)) << 24) | (run << 16) | (length << 8) | (length + size);
}

/** The entry of the code that a window of 64 bits begins with; 0 if there is none. */
export function codeAt(table: usize, window: u64): u64 {
  const entry = <u64>load<u32>(table + ((<usize>(window >> (64 - CODE_BITS))) << 2));
  return runOf(entry) == LONG_CODE ? longCode(table, window) : entry;
}

/** A code of more than CODE_BITS bits. */
function longCode(table: usize, window: u64): u64 {
  const bits = <i32>(window >> 48);
  for (let length = CODE_BITS + 1; length <= 16; length++) {
    const slot = (<usize>(length - CODE_BITS - 1)) << 2;
    if (bits < load<i32>(table + slot, LIMITS)) {
      const index = (bits >> (16 - length)) + load<i32>(table + slot, OFFSETS);
      return entryOf(load<u8>(table + <usize>(index & 255), SYMBOLS), length);
    }
  }
  return 0;
}

/** How many zeros come before an AC value, or END_OF_BLOCK. */
export function runOf(entry: u64): i32 {
  return (<i32>(entry >> 16)) & 0xff;
}

/** Bits of the value after a code. */
function sizeOf(entry: u64): i32 {
  return 63 - <i32>(entry >> 24);
}

/** The value after the code that a window begins with: those with a leading zero are negative. */
export function valueOf(window: u64, entry: u64): i32 {
  const bits = window << (entry >> 8);
  // All ones if negative: the value is then that of the inverted bits, negated.
  const negative = (<u64>((<i64>bits) >> 63)) ^ -1;
  const size = bits ^ negative;
  return <i32>((((size >> 1) >> (entry >> 24)) ^ negative) - negative);
}

/** Where the coefficients are in an AC table that a window begins with. */
export function indexOf(window: u64): usize {
  return <usize>(window >> (64 - PAIR_BITS));
}

/** Bits of one or two coefficients. */
export function lengthAt<Table>(index: usize): u64 {
  return <u64>load<u8>(index, AC_TABLES + (sizeof<Table>() - 1) * TABLE_BYTES + LENGTHS);
}

/** How far they lead in the block; beyond any if they end it or are not known. */
export function stepAt<Table>(index: usize): i32 {
  return <i32>load<u8>(index, AC_TABLES + (sizeof<Table>() - 1) * TABLE_BYTES + STEPS);
}

export function pairAt<Table>(index: usize): i32 {
  return load<i32>(index << 2, AC_TABLES + (sizeof<Table>() - 1) * TABLE_BYTES + PAIRS);
}

/**
 * Makes the pairs of an AC table from its codes: value of the first coefficient << 21 | its run << 16 | value of the second, of
 * 8 bits. If there is no second, that is zero at the place of the first. Values of more than `maxSize` bits are in no pair.
 * `scratch` is room for 24 KiB.
 */
export function preparePairs(table: usize, maxSize: i32, scratch: usize): void {
  prepareSeconds(table, min(maxSize, MAX_SECOND_SIZE), scratch);
  for (let index: usize = 0; index < PAIR_COUNT;) index = prepareFirst(table, index, maxSize, scratch);
}

/**
 * What may come second, in three arrays of bytes, lengths, steps and values, for all indices of PAIR_BITS bits; behind them for
 * those of one bit less, and so on. Lengths of 0 are of what may not.
 */
function prepareSeconds(table: usize, maxSize: i32, seconds: usize): void {
  for (let index: usize = 0; index < PAIR_COUNT;) {
    const entry = entryAt(table, index);
    const bits = segmentBits(entry);
    const isEnd = runOf(entry) == END_OF_BLOCK;
    const isSecond = isEnd || (runOf(entry) != LONG_CODE && sizeOf(entry) <= maxSize);
    const at = seconds + index;
    fill(at, isSecond ? (<i32>entry) & 63 : 0, bits);
    fill(at + SECONDS_BYTES, isSecond ? (isEnd ? STEP_TO_END : runOf(entry) + 1) : 0, bits);
    fill(at + 2 * SECONDS_BYTES, isSecond && !isEnd ? valueOf(windowOf(index), entry) : 0, bits);
    index += (<usize>1) << (PAIR_BITS - bits);
  }
  let from = seconds;
  for (let bits = PAIR_BITS - 1; bits >= 0; bits--) {
    const to = from + (2 << bits);
    for (let i: usize = 0; i < 1 << bits; i += 16) {
      const lengths = everyOther(from + 2 * i);
      const fits = i8x16.le_u(lengths, i8x16.splat(<i8>bits));
      v128.store(to + i, v128.and(lengths, fits));
      v128.store(to + i + SECONDS_BYTES, v128.and(everyOther(from + 2 * i + SECONDS_BYTES), fits));
      v128.store(to + i + 2 * SECONDS_BYTES, v128.and(everyOther(from + 2 * i + 2 * SECONDS_BYTES), fits));
    }
    from = to;
  }
}

/** Makes the pairs of all indices that begin with the same coefficient as `index`. Returns the index behind them. */
function prepareFirst(table: usize, index: usize, maxSize: i32, seconds: usize): usize {
  const entry = entryAt(table, index);
  const run = runOf(entry);
  const length = (<i32>entry) & 63;
  const bits = segmentBits(entry);
  const count = (<usize>1) << (PAIR_BITS - bits);
  const at = table + index;
  if (run == END_OF_BLOCK || run == LONG_CODE || length > PAIR_BITS || sizeOf(entry) > maxSize) {
    fill(at + LENGTHS, run == END_OF_BLOCK ? length : 0, bits);
    fill(at + STEPS, run == END_OF_BLOCK ? STEP_TO_END : UNKNOWN, bits);
    memory.fill(table + PAIRS + (index << 2), 0, count << 2);
  } else {
    const pair = i32x4.splat((valueOf(windowOf(index), entry) << 21) | (run << 16));
    // Those for as many bits as are left.
    const from = seconds + 2 * PAIR_COUNT - 2 * count;
    for (let i: usize = 0; i < count; i += 16) {
      v128.store(at + i, i8x16.add(v128.load(from + i), i8x16.splat(<i8>length)), LENGTHS);
      v128.store(at + i, i8x16.add(v128.load(from + i + SECONDS_BYTES), i8x16.splat(<i8>(run + 1))), STEPS);
    }
    for (let i: usize = 0; i < count; i += 4) {
      const values = i32x4.extend_low_i16x8_u(v128.load8x8_u(from + i + 2 * SECONDS_BYTES));
      v128.store(table + ((index + i) << 2), v128.or(pair, values), PAIRS);
    }
  }
  return index + count;
}

/** The entry of the code that an index begins with. */
function entryAt(table: usize, index: usize): u64 {
  return <u64>load<u32>(table + ((index >> (PAIR_BITS - CODE_BITS)) << 2));
}

function windowOf(index: usize): u64 {
  return (<u64>index) << (64 - PAIR_BITS);
}

/** How many bits all indices share that begin with that code and, if it is there as a whole, its value. */
function segmentBits(entry: u64): i32 {
  if (runOf(entry) == LONG_CODE) return CODE_BITS;
  const length = (<i32>entry) & 63;
  return length <= PAIR_BITS ? length : (<i32>(entry >> 8)) & 63;
}

/** Fills the bytes of all indices that share `bits` bits; up to 15 bytes more, which belong to later ones. */
function fill(at: usize, value: i32, bits: i32): void {
  const bytes = i8x16.splat(<i8>value);
  const end = at + (1 << (PAIR_BITS - bits));
  for (let to = at; to < end; to += 16) v128.store(to, bytes);
}

/** Every other of 32 bytes. */
function everyOther(at: usize): v128 {
  const low = i16x8.splat(0xff);
  return i8x16.narrow_i16x8_u(v128.and(v128.load(at), low), v128.and(v128.load(at + 16), low));
}
