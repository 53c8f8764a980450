import { RevatError } from '@revat/core';

/** Element types by their safetensors names; F16 and BF16 are kept as their raw 16 bits. */
export type DType =
  | 'F64'
  | 'F32'
  | 'F16'
  | 'BF16'
  | 'I64'
  | 'I32'
  | 'I16'
  | 'I8'
  | 'U64'
  | 'U32'
  | 'U16'
  | 'U8'
  | 'BOOL'
  | 'F8_E4M3'
  | 'F8_E5M2';

export type TensorData =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** A plain tensor: row-major values and their shape, tied to no backend. */
export interface NamedTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

interface ArrayType {
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): TensorData;
  readonly BYTES_PER_ELEMENT: number;
}

const ARRAY_TYPES: Readonly<Record<DType, ArrayType>> = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
  F8_E4M3: Uint8Array,
  F8_E5M2: Uint8Array,
};

/** What a typed array holds when nobody says otherwise (a Uint16Array is U16, not F16). */
const INFERRED = new Map<string, DType>([
  ['Float64Array', 'F64'],
  ['Float32Array', 'F32'],
  ['BigInt64Array', 'I64'],
  ['BigUint64Array', 'U64'],
  ['Int32Array', 'I32'],
  ['Uint32Array', 'U32'],
  ['Int16Array', 'I16'],
  ['Uint16Array', 'U16'],
  ['Int8Array', 'I8'],
  ['Uint8Array', 'U8'],
]);

export function isDType(value: unknown): value is DType {
  return typeof value === 'string' && Object.hasOwn(ARRAY_TYPES, value);
}

/** Bytes of one element. */
export function bytesPerElement(dtype: DType): number {
  return ARRAY_TYPES[dtype].BYTES_PER_ELEMENT;
}

/** The dtype that a typed array holds by itself; throws 'invalid-argument' for anything else. */
export function inferDType(data: TensorData, where: string): DType {
  const dtype = INFERRED.get(Object.prototype.toString.call(data).slice(8, -1));
  if (dtype !== undefined) return dtype;
  throw new RevatError('invalid-argument', `${where}: data must be a typed array. Give e.g. a Float32Array.`);
}

/** Views bytes as values without a copy where their alignment allows it, else copies. */
export function viewAs(dtype: DType, bytes: Uint8Array): TensorData {
  const type = ARRAY_TYPES[dtype];
  const aligned = bytes.byteOffset % type.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new type(aligned.buffer, aligned.byteOffset, aligned.byteLength / type.BYTES_PER_ELEMENT);
}

/** The bytes of a typed array, without a copy. Little-endian, as every platform that runs tfjs. */
export function bytesOf(data: TensorData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/**
 * Number of elements of a shape, or undefined where a size is not a whole number >= 0 or the product is not exact in
 * double precision.
 */
export function elementCount(shape: readonly unknown[]): number | undefined {
  let count = 1;
  for (const size of shape) {
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined;
    count *= size;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

/**
 * Values of a tensor as float32: exact for F16, BF16 and F32, rounded to nearest for F64 and for integers beyond 2^24.
 * An F32 tensor's own array is returned, not a copy. Throws 'invalid-file' for the float8 types.
 */
export function toFloat32({ dtype, data }: NamedTensor): Float32Array {
  switch (dtype) {
    case 'F32':
      return data as Float32Array;
    case 'F16':
      return halfToFloat(data as Uint16Array);
    case 'BF16':
      return bfloatToFloat(data as Uint16Array);
    case 'F8_E4M3':
    case 'F8_E5M2':
      throw new RevatError(
        'invalid-file',
        `weights: ${dtype} values cannot be used. Convert them to float32.`,
      );
    case 'I64':
    case 'U64':
      return Float32Array.from(data as BigInt64Array, Number);
    default:
      return Float32Array.from(data as Float64Array);
  }
}

/** bfloat16 is the upper half of a float32. */
function bfloatToFloat(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i] << 16;
  return new Float32Array(words.buffer);
}

/** IEEE half precision: 1 sign, 5 exponent (bias 15), 10 mantissa bits; subnormals, infinities and NaN payloads kept. */
function halfToFloat(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const half = bits[i];
    const sign = (half & 0x8000) << 16;
    const exponent = (half >> 10) & 0x1f;
    const mantissa = half & 0x3ff;
    if (exponent === 0x1f) words[i] = sign | 0x7f800000 | (mantissa << 13);
    else if (exponent !== 0) words[i] = sign | ((exponent + 112) << 23) | (mantissa << 13);
    else if (mantissa === 0) words[i] = sign;
    else {
      const shift = Math.clz32(mantissa) - 21;
      words[i] = sign | ((113 - shift) << 23) | (((mantissa << shift) & 0x3ff) << 13);
    }
  }
  return new Float32Array(words.buffer);
}
