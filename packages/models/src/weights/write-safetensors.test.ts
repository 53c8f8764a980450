import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bytesPerElement, viewAs, type DType, type NamedTensor } from './dtype.js';
import { openSafetensors, readSafetensors } from './read-safetensors.js';
import { openSource } from './source.js';
import { encodeSafetensors, writeSafetensors, type WritableTensor } from './write-safetensors.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'revat-safetensors-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const DTYPES: DType[] = [
  'F64',
  'F32',
  'F16',
  'BF16',
  'I64',
  'I32',
  'I16',
  'I8',
  'U64',
  'U32',
  'U16',
  'U8',
  'BOOL',
];

const tensor: fc.Arbitrary<NamedTensor> = fc
  .tuple(fc.constantFrom(...DTYPES), fc.array(fc.nat(4), { maxLength: 3 }))
  .chain(([dtype, shape]) => {
    const bytes = shape.reduce((product, size) => product * size, 1) * bytesPerElement(dtype);
    return fc
      .uint8Array({ minLength: bytes, maxLength: bytes })
      .map((data) => ({ dtype, shape, data: viewAs(dtype, data.slice()) }));
  });
const names = fc.string({ unit: 'binary', maxLength: 12 }).filter((name) => name !== '__metadata__');

function hex({ data }: NamedTensor): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');
}

describe('safetensors', () => {
  test('any tensors, names and metadata come back bit by bit', async () => {
    const files = fc.tuple(fc.array(fc.tuple(names, tensor), { maxLength: 6 }), fc.dictionary(names, names));
    await fc.assert(
      fc.asyncProperty(files, async ([entries, metadata]) => {
        const tensors = new Map(entries);
        const read = await readSafetensors(await encodeSafetensors(tensors, metadata));
        expect(read.metadata).toEqual(metadata);
        expect(read.tensors.size).toBe(tensors.size);
        for (const [name, { dtype, shape, data }] of tensors) {
          const found = read.tensors.get(name)!;
          expect([found.dtype, found.shape, hex(found)]).toEqual([dtype, shape, hex({ dtype, shape, data })]);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('all values are aligned to their width', async () => {
    const file = path.join(folder, 'aligned.safetensors');
    await writeSafetensors(file, {
      flag: { dtype: 'BOOL', shape: [3], data: Uint8Array.of(1, 0, 1) },
      wide: { shape: [1], data: Float64Array.of(0.1) },
      half: { dtype: 'F16', shape: [1], data: Uint16Array.of(0x3c00) },
    });
    const bytes = readFileSync(file);
    const length = Number(bytes.readBigUInt64LE(0));
    expect((8 + length) % 8).toBe(0);
    const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<
      string,
      { data_offsets: number[] }
    >;
    expect(Object.entries(header).map(([name, entry]) => [name, entry.data_offsets])).toEqual([
      ['wide', [0, 8]],
      ['half', [8, 10]],
      ['flag', [10, 13]],
    ]);
  });

  test('values may come from functions, one after the other', async () => {
    const order: string[] = [];
    const lazy = (name: string): WritableTensor => ({
      dtype: 'F32',
      shape: [2],
      data: async () => {
        order.push(name);
        return Float32Array.of(1, order.length);
      },
    });
    const blob = await encodeSafetensors({ a: lazy('a'), b: lazy('b') });
    expect(order).toEqual(['a', 'b']);
    expect((await readSafetensors(blob)).tensors.get('b')?.data).toEqual(Float32Array.of(1, 2));
  });

  test('a failing write leaves the old file and nothing else', async () => {
    const place = mkdtempSync(path.join(folder, 'atomic-'));
    const file = path.join(place, 'model.safetensors');
    await writeSafetensors(file, { a: { shape: [1], data: Float32Array.of(1) } });
    const before = readFileSync(file);
    const failing: WritableTensor = {
      dtype: 'F32',
      shape: [1],
      data: () => {
        throw new Error('the backend is gone');
      },
    };
    await expect(writeSafetensors(file, { failing })).rejects.toThrow(/the backend is gone/);
    expect(readdirSync(place)).toEqual(['model.safetensors']);
    expect(readFileSync(file)).toEqual(before);
  });

  test.each<[string, WritableTensor, RegExp]>([
    [
      'shape',
      { shape: [2], data: Float32Array.of(1) },
      /tensor "x" of shape \[2\] wants 2 F32 values, got 1/,
    ],
    ['negative', { shape: [-1], data: Float32Array.of(1) }, /impossible shape \[-1\]/],
    ['no dtype', { shape: [1], data: () => Float32Array.of(1) }, /needs a dtype/],
    ['no array', { shape: [1], data: [1] as unknown as Float32Array }, /must be a typed array/],
  ])('refuses to write a tensor with a wrong %s', async (_, tensor, message) => {
    const file = path.join(folder, 'wrong.safetensors');
    await expect(writeSafetensors(file, { x: tensor })).rejects.toThrow(message);
    expect(readdirSync(folder)).not.toContain('wrong.safetensors');
  });

  test('refuses the reserved name and metadata that are no strings', async () => {
    const one = { shape: [1], data: Float32Array.of(1) };
    await expect(encodeSafetensors({ __metadata__: one })).rejects.toThrow(/reserved/);
    await expect(encodeSafetensors({ a: one }, { n: 1 as unknown as string })).rejects.toThrow(/metadata\.n/);
  });

  test('a file that shrinks while it is read', async () => {
    const file = path.join(folder, 'shrinks.safetensors');
    await writeSafetensors(file, { a: { shape: [64], data: new Float32Array(64) } });
    const open = await openSafetensors(await openSource(file));
    writeFileSync(file, 'short');
    await expect(open.read('a')).rejects.toThrow(/ended while being read/);
    await open.close();
  });
});
