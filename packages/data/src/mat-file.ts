/** Numeric matrices of MATLAB 5 files, the format of Flowers-102's labels and splits. */
import { inflateSync } from 'node:zlib';

import { RevatError } from '@revat/core';

import { readBytes } from './read-sample.js';

const HEADER_BYTES = 128;
const MATRIX = 14;
const COMPRESSED = 15;
const MAX_INFLATED_BYTES = 1 << 26;

interface Element {
  readonly type: number;
  readonly data: Uint8Array;
}

/** Readers of MATLAB's numeric types: bytes a number, and how to read one. */
const NUMBERS: Record<number, [bytes: number, read: (view: DataView, at: number) => number]> = {
  1: [1, (view, at) => view.getInt8(at)],
  2: [1, (view, at) => view.getUint8(at)],
  3: [2, (view, at) => view.getInt16(at, true)],
  4: [2, (view, at) => view.getUint16(at, true)],
  5: [4, (view, at) => view.getInt32(at, true)],
  6: [4, (view, at) => view.getUint32(at, true)],
  7: [4, (view, at) => view.getFloat32(at, true)],
  9: [8, (view, at) => view.getFloat64(at, true)],
};

/** The numeric matrices in a file, by name, each flattened. Throws 'invalid-file' for anything but a little-endian MATLAB 5 file. */
export function matFile(path: string): Map<string, number[]> {
  const bytes = readBytes({ path });
  if (bytes.length < HEADER_BYTES || bytes[126] !== 0x49 || bytes[127] !== 0x4d)
    throw new RevatError('invalid-file', `${path}: is no MATLAB 5 file.`);
  const matrices = new Map<string, number[]>();
  try {
    for (const element of elements(bytes.subarray(HEADER_BYTES))) {
      const [matrix] =
        element.type === COMPRESSED
          ? elements(inflateSync(element.data, { maxOutputLength: MAX_INFLATED_BYTES }))
          : [element];
      if (matrix?.type !== MATRIX) continue;
      // Array flags, dimensions, name, real part.
      const [, , name, values] = elements(matrix.data);
      matrices.set(new TextDecoder().decode(name.data), numbers(values));
    }
  } catch (cause) {
    throw new RevatError('invalid-file', `${path}: is a broken MATLAB file.`, { cause });
  }
  return matrices;
}

/** The elements of a buffer: an 8-byte tag (or a small element packed into it), data, padding to 8 bytes. */
function elements(bytes: Uint8Array): Element[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const found: Element[] = [];
  let position = 0;
  while (position + 8 <= bytes.length) {
    const tag = view.getUint32(position, true);
    const packedLength = tag >>> 16;
    const type = packedLength > 0 ? tag & 0xffff : tag;
    const length = packedLength > 0 ? packedLength : view.getUint32(position + 4, true);
    const start = position + (packedLength > 0 ? 4 : 8);
    if (start + length > bytes.length) throw new RangeError('element beyond the end');
    found.push({ type, data: bytes.subarray(start, start + length) });
    const end = packedLength > 0 ? position + 8 : start + length;
    position = type === COMPRESSED ? end : Math.ceil(end / 8) * 8;
  }
  return found;
}

function numbers({ type, data }: Element): number[] {
  const [size, read] = NUMBERS[type] ?? [];
  if (!size || !read) throw new RangeError(`numbers of type ${type}`);
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  return Array.from({ length: data.length / size }, (_, i) => read(view, i * size));
}
