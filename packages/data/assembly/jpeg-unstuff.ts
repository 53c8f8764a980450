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
