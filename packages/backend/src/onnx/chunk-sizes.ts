/** Values above this are computed in parts of about the other; measured with 1 MiB of second-level cache a core and 32 MiB of third. */
export const LARGE_BYTES = 9 * 2 ** 20;
const CHUNK_BYTES = 5 * 2 ** 20;

/**
 * Rows (or images) of each chunk, for rows of `width` single-precision numbers: as many chunks as the size asks for, all of one
 * length if possible.
 */
export function chunkLengths(rows: number, width: number): number[] {
  const least = Math.ceil((4 * rows * width) / CHUNK_BYTES);
  let chunks = least;
  for (let more = least; more < 2 * least; more++) {
    if (rows % more === 0) {
      chunks = more;
      break;
    }
  }
  const length = Math.ceil(rows / chunks);
  return Array.from({ length: Math.ceil(rows / length) }, (_, i) => Math.min(length, rows - i * length));
}
