import type { EngineArray, EngineDtype } from '../runtime/session-runtime.js';

/** Inside a graph only: int64 holds shapes, axes and indices, float64 what single precision would spoil. */
export type ValueDtype = EngineDtype | 'int64' | 'float64';

/** A tensor inside a graph under construction. */
export interface Value {
  readonly name: string;
  readonly dtype: ValueDtype;
  readonly shape: readonly number[];
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}

export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

const BYTES: Record<ValueDtype, number> = { float32: 4, int32: 4, bool: 1, int64: 8, float64: 8 };

export function bytesOf({ dtype, shape }: Value): number {
  return sizeOf(shape) * BYTES[dtype];
}

/** An array of the backing type of a dtype. */
export function arrayOf(dtype: EngineDtype, numbers: ArrayLike<number>): EngineArray {
  if (dtype === 'float32') return Float32Array.from(numbers);
  return dtype === 'int32' ? Int32Array.from(numbers) : Uint8Array.from(numbers);
}
