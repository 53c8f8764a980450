/**
 * Memory for the pixels of results. A pipeline makes several images for each that it delivers; new memory for all of them
 * costs less to write than to collect.
 */

/** As many as the longest pipeline has steps; each of the size that was last wanted there. */
const buffers: Uint8Array[] = [];
/** How many of the buffers are taken; undefined while results belong to the caller. */
let taken: number | undefined;

/** Bytes of any content, for a result. */
export function newPixels(length: number): Uint8Array {
  if (taken === undefined) return new Uint8Array(length);
  const index = taken++;
  if (buffers[index]?.length !== length) buffers[index] = new Uint8Array(length);
  return buffers[index];
}

/** A copy of bytes, for a result. */
export function copyPixels(pixels: Uint8Array): Uint8Array {
  const copy = newPixels(pixels.length);
  copy.set(pixels);
  return copy;
}

/** Does work whose images do not outlive it: their memory serves the next work again. */
export function withReusedPixels(work: () => void): void {
  taken = 0;
  try {
    work();
  } finally {
    taken = undefined;
  }
}
