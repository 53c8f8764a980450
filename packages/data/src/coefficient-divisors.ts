/** Natural position of each zigzag position (Figure A.6 of ITU-T T.81). */
const NATURAL_POSITIONS = Uint8Array.of(
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46,
  53, 60, 61, 54, 47, 55, 62, 63,
); // prettier-ignore

const PLACES = Uint16Array.from(NATURAL_POSITIONS, (position) => position * Int16Array.BYTES_PER_ELEMENT);

/** For each zigzag position the place of the coefficient, in bytes, then for each what it is multiplied by; as 16-bit numbers. */
export function coefficientDivisors(quantization: Uint16Array): Int32Array {
  const table = new Uint16Array(128);
  table.set(PLACES);
  table.set(quantization, 64);
  return new Int32Array(table.buffer);
}
