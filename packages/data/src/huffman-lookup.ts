import type { HuffmanTable } from './jpeg-headers.js';

/** The layout that assembly/jpeg.ts reads. */
const LOOKUP_BITS = 10;
const LONG_CODES = 1024;
const LONG_OFFSETS = LONG_CODES + 8;
const SYMBOLS = LONG_OFFSETS + 8;
const WORDS = SYMBOLS + 64;

const END_OF_BLOCK_RUN = 127;

/**
 * A Huffman table for fast decoding: for every 10 bits the code that they begin with, as 63 less size of the value that
 * follows << 24 | run << 16 | bits of the code << 8 | bits of code and value. Zero for longer codes, which are found by comparison
 * with the limits behind. Undefined for a table that is not as the standard says.
 */
export function huffmanLookup({ counts, symbols }: HuffmanTable, kind: 'dc' | 'ac'): Int32Array | undefined {
  if (!symbols.every((symbol) => (kind === 'dc' ? symbol <= 11 : isAcSymbol(symbol)))) return undefined;
  const table = new Int32Array(WORDS);
  new Uint8Array(table.buffer, SYMBOLS * 4).set(symbols);
  let code = 0;
  let next = 0;
  for (let length = 1; length <= 16; length++) {
    const count = counts[length - 1];
    if (code + count > 1 << length) return undefined;
    if (length > LOOKUP_BITS) {
      table[LONG_OFFSETS + length - LOOKUP_BITS - 1] = next - code;
      table[LONG_CODES + length - LOOKUP_BITS - 1] = count === 0 ? 0 : (code + count) << (16 - length);
    }
    for (let i = 0; i < count; i++, code++, next++) {
      if (length > LOOKUP_BITS) continue;
      const free = LOOKUP_BITS - length;
      table.fill(lookupEntry(symbols[next], length), code << free, (code + 1) << free);
    }
    code <<= 1;
  }
  return table;
}

function lookupEntry(symbol: number, length: number): number {
  const size = symbol & 15;
  const run = symbol === 0 ? END_OF_BLOCK_RUN : symbol >> 4;
  return ((63 - size) << 24) | (run << 16) | (length << 8) | (length + size);
}

/** End of block, sixteen zeros, or a run before a value of 1 to 10 bits. */
function isAcSymbol(symbol: number): boolean {
  const size = symbol & 15;
  return size === 0 ? symbol === 0 || symbol === 0xf0 : size <= 10;
}
