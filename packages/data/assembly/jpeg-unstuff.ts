/** Entropy-coded bytes in the order that `decodeScan` reads them. */

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
    // All 16: those behind a marker or the end are overwritten or not read.
    v128.store(write - 16, i8x16.shuffle(bytes, bytes, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
    const markers = i8x16.bitmask(i8x16.eq(bytes, marker));
    // Not by the same code as others: the next step would have to wait for the count.
    if (markers == 0 && source + 16 <= sourceEnd) {
      source += 16;
      write -= 16;
      continue;
    }
    const count = min(<usize>ctz(markers | (1 << 16)), sourceEnd - source);
    source += count;
    write -= count;
    if (source + 1 >= sourceEnd) return -1;
    const next = load<u8>(source, 1);
    if (next == 0xd9) return <i32>(end - write);
    if (next != 0) return -1;
    store<u8>(--write, 0xff);
    source += 2;
  }
  return -1;
}
