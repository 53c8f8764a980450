/**
 * Reads golden cases: numbers recorded by running a reference implementation, one folder per case with
 * arrays.safetensors and manifest.json. Images there are NCHW; `nhwc` reorders them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface GoldenArray {
  shape: number[];
  data: Float32Array | Int32Array | Uint8Array;
}

export interface GoldenCase {
  /** The array of that name; I64 arrays come as int32. Throws when there is none. */
  array(name: string): GoldenArray;
  /** The array of that name, which must be float32. */
  floats(name: string): Float32Array;
  /** The array of that name as plain numbers. */
  numbers(name: string): number[];
  /** Scalar parameters and results. */
  params: Record<string, never>;
}

/** The golden case of that name, e.g. "02_projections", in a folder of cases. */
export function readGoldenCase(folder: string, name: string): GoldenCase {
  const manifest = JSON.parse(readFileSync(join(folder, name, 'manifest.json'), 'utf8')) as {
    params: Record<string, never>;
  };
  const arrays = readArrays(join(folder, name, 'arrays.safetensors'));
  const array = (key: string) => {
    const found = arrays.get(key);
    if (!found) throw new Error(`golden case ${name} has no array ${key}`);
    return found;
  };
  return {
    array,
    floats: (key) => array(key).data as Float32Array,
    numbers: (key) => Array.from(array(key).data),
    params: manifest.params,
  };
}

/** All arrays of a safetensors file of trusted origin (the package @revat/models has the guarded reader). */
export function readArrays(file: string): Map<string, GoldenArray> {
  const bytes = readFileSync(file);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerLength)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const arrays = new Map<string, GoldenArray>();
  for (const [key, entry] of Object.entries(header)) {
    if (key === '__metadata__') continue;
    const [begin, end] = entry.data_offsets;
    const copy = Uint8Array.from(bytes.subarray(8 + headerLength + begin, 8 + headerLength + end)).buffer;
    arrays.set(key, { shape: entry.shape, data: decode(copy, entry.dtype) });
  }
  return arrays;
}

function decode(buffer: ArrayBuffer, dtype: string): Float32Array | Int32Array | Uint8Array {
  if (dtype === 'F32') return new Float32Array(buffer);
  if (dtype === 'I32') return new Int32Array(buffer);
  if (dtype === 'U8') return new Uint8Array(buffer);
  if (dtype === 'I64') return Int32Array.from(new BigInt64Array(buffer), Number);
  throw new Error(`golden arrays of type ${dtype} are not read`);
}

/** [N,C,H,W] values in the order [N,H,W,C]. */
export function nhwc(values: Float32Array, [n, c, h, w]: number[]): Float32Array {
  const out = new Float32Array(values.length);
  for (let i = 0; i < n; i++)
    for (let k = 0; k < c; k++)
      for (let p = 0; p < h * w; p++) out[(i * h * w + p) * c + k] = values[(i * c + k) * h * w + p];
  return out;
}
