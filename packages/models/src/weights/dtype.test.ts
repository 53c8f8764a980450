import { describe, expect, test } from '@jest/globals';
import { toFloat32, type DType } from './dtype.js';

/** IEEE half precision by its definition: (-1)^s 2^(e-15) (1 + m/1024), subnormals 2^-14 m/1024. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
  return exponent === 0
    ? sign * 2 ** -14 * (mantissa / 1024)
    : sign * 2 ** (exponent - 15) * (1 + mantissa / 1024);
}

describe('toFloat32', () => {
  test('every half-precision number', () => {
    const data = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
    const values = toFloat32({ dtype: 'F16', shape: [65536], data });
    for (let bits = 0; bits < 65536; bits++) {
      if (!Object.is(values[bits], half(bits))) throw new Error(`0x${bits.toString(16)}: ${values[bits]}`);
    }
  });

  test('bfloat16 is the upper half of a float32', () => {
    const values = toFloat32({
      dtype: 'BF16',
      shape: [4],
      data: Uint16Array.of(0x3f80, 0xc049, 0x7f80, 0x0001),
    });
    expect([...values]).toEqual([1, -3.140625, Infinity, 2 ** -133]);
  });

  test.each<[DType, Float64Array | BigInt64Array | Uint8Array, number[]]>([
    ['F64', Float64Array.of(0.1, 1e300), [Math.fround(0.1), Infinity]],
    ['I64', BigInt64Array.of(-3n, 2n ** 62n), [-3, 2 ** 62]],
    ['BOOL', Uint8Array.of(1, 0), [1, 0]],
  ])('%s', (dtype, data, expected) => {
    expect([...toFloat32({ dtype, shape: [2], data })]).toEqual(expected);
  });

  test('float8 is refused', () => {
    expect(() => toFloat32({ dtype: 'F8_E4M3', shape: [1], data: Uint8Array.of(1) })).toThrow(
      /Convert them to float32/,
    );
  });
});
