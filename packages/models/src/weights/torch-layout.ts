/** Rearranges parameter values between PyTorch's layout (NCHW) and ours (NHWC), bit by bit. */
import type { ParameterLayout } from '@revat/stems';
import type { ReusableBuffer } from './byte-source.js';

/**
 * Values in PyTorch layout rearranged to tfjs layout; `shape` is the tfjs shape. Where the memory order is
 * the same in both (vectors, tables), the very same array is returned; else the result lies in `reuse`, or in an array of its own.
 */
export function fromTorch(
  values: Float32Array,
  shape: readonly number[],
  layout: ParameterLayout,
  reuse?: ReusableBuffer,
): Float32Array {
  const [a, b, c, d] = shape;
  switch (layout) {
    case 'conv':
      return convFromTorch(values, a * b, c, d, reuse);
    case 'depthwise':
      return transpose(values, c * d, a * b, reuse);
    case 'linear':
      return transpose(values, b, a, reuse);
    case 'same':
      return values;
  }
}

/** Values in tfjs layout rearranged to PyTorch layout; `shape` is the tfjs shape. Inverse of fromTorch, bit by bit. */
export function toTorch(
  values: Float32Array,
  shape: readonly number[],
  layout: ParameterLayout,
): Float32Array {
  const [a, b, c, d] = shape;
  switch (layout) {
    case 'conv':
      return convToTorch(values, a * b, c, d);
    case 'depthwise':
      return transpose(values, a * b, c * d);
    case 'linear':
      return transpose(values, a, b);
    case 'same':
      return values;
  }
}

/** [O, I, k] -> [k, I, O]. */
function convFromTorch(
  values: Float32Array,
  taps: number,
  inputs: number,
  outputs: number,
  reuse: ReusableBuffer | undefined,
): Float32Array {
  const result = words(values.length, reuse);
  const source = asWords(values);
  for (let tap = 0; tap < taps; tap++) {
    for (let input = 0; input < inputs; input++) {
      const row = (tap * inputs + input) * outputs;
      const column = input * taps + tap;
      for (let output = 0; output < outputs; output++) {
        result[row + output] = source[output * inputs * taps + column];
      }
    }
  }
  return new Float32Array(result.buffer, result.byteOffset, result.length);
}

/** [k, I, O] -> [O, I, k]. */
function convToTorch(values: Float32Array, taps: number, inputs: number, outputs: number): Float32Array {
  const result = new Uint32Array(values.length);
  const source = asWords(values);
  for (let output = 0; output < outputs; output++) {
    for (let input = 0; input < inputs; input++) {
      const row = (output * inputs + input) * taps;
      for (let tap = 0; tap < taps; tap++)
        result[row + tap] = source[(tap * inputs + input) * outputs + output];
    }
  }
  return new Float32Array(result.buffer, result.byteOffset, result.length);
}

/** Side of the square blocks of a transpose: two blocks of float32 fit a first-level cache. */
const BLOCK = 32;

/** [rows, columns] -> [columns, rows], block by block so that neither side strides through the whole memory. */
function transpose(
  values: Float32Array,
  rows: number,
  columns: number,
  reuse?: ReusableBuffer,
): Float32Array {
  if (rows === 1 || columns === 1) return values;
  const result = words(values.length, reuse);
  const source = asWords(values);
  for (let top = 0; top < rows; top += BLOCK) {
    const bottom = Math.min(top + BLOCK, rows);
    for (let left = 0; left < columns; left += BLOCK) {
      const right = Math.min(left + BLOCK, columns);
      for (let column = left; column < right; column++) {
        for (let row = top; row < bottom; row++) result[column * rows + row] = source[row * columns + column];
      }
    }
  }
  return new Float32Array(result.buffer, result.byteOffset, result.length);
}

/** Bits are moved as integers: moving floats could quieten signalling NaNs. */
function asWords(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

function words(length: number, reuse: ReusableBuffer | undefined): Uint32Array {
  if (reuse === undefined) return new Uint32Array(length);
  const bytes = reuse.take(4 * length);
  return new Uint32Array(bytes.buffer, bytes.byteOffset, length);
}
