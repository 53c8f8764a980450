import { describe, expect, test } from '@jest/globals';

import { afterPass, lineOf } from '../../test/graph-lines.js';
import { chunkRows } from './chunk-rows.js';
import type { Attribute } from './model-writer.js';

/** Rows and columns of 16 MiB of hidden values: four chunks. */
const ROWS = 8192;
const WIDTH = 512;
const NARROW = 128;

const MLP = [
  'h = MatMul i w',
  'b = Add h bias',
  'r = Reshape b shape',
  'a = Relu r',
  'f = Reshape a shape',
  'y = MatMul f v',
];

/** What the pass makes of a graph in which i, j, y and z are narrow, w and v weights, and all else is hidden values. */
function chunked(lines: readonly string[], results: readonly string[] = ['y'], rows = ROWS) {
  const shapes: Record<string, readonly number[]> = {
    w: [NARROW, WIDTH],
    v: [WIDTH, NARROW],
    bias: [WIDTH],
    shape: [4],
    half: [],
    r: [4, rows / 4, 1, WIDTH],
    a: [4, rows / 4, 1, WIDTH],
  };
  const isNarrow = (name: string) => ['i', 'j', 'y', 'z'].includes(name);
  return afterPass(chunkRows, {
    lines,
    results,
    shapeOf: (name) => shapes[name] ?? [rows, isNarrow(name) ? NARROW : WIDTH],
    attributesOf: ({ type, outputs }): Record<string, Attribute> =>
      type === 'Gemm' && outputs[0] === 'g' ? { transA: 1 } : {},
  });
}

describe('chunkRows', () => {
  test('does a part of the rows after the other between two products', () => {
    const { nodes, values } = chunked(MLP);
    const lines = nodes.map(lineOf);
    expect(lines).toHaveLength(1 + 4 * 4 + 1);
    expect(lines[0]).toMatch(/^new0 new1 new2 new3 = Split i \[2048,2048,2048,2048\]$/);
    expect(lines.slice(1, 5)).toEqual([0, 1, 2, 3].map((k) => `new${k + 4} = MatMul new${k} w`));
    expect(lines.slice(5, 9)).toEqual([0, 1, 2, 3].map((k) => `new${k + 8} = Add new${k + 4} bias`));
    expect(lines[lines.length - 1]).toBe('y = Concat new16 new17 new18 new19');
    expect(values.get('new8')!.shape).toEqual([ROWS / 4, WIDTH]);
  });

  test('takes a gradient that reads the hidden values into the same chunks', () => {
    const { nodes } = chunked([...MLP, 'd = MatMul j w', 'e = Mul d r', 'z = MatMul e v'], ['y', 'z']);
    const count = (wanted: string) => nodes.filter(({ type }) => type === wanted).length;
    expect([count('Split'), count('Concat'), count('MatMul'), count('Mul')]).toEqual([2, 2, 16, 4]);
  });

  test('makes chunks of equal length if there is a way, and a shorter last one if not', () => {
    const lengths = (rows: number) => chunked(MLP, ['y'], rows).nodes[0].inputs[1];
    expect(lengths(7680)).toBe('[2560,2560,2560]');
    expect(lengths(8188)).toBe('[2047,2047,2047,2047]');
    expect(lengths(8191)).toBe('[2048,2048,2048,2047]');
  });

  test.each([
    ['small values stay in the cache anyway', MLP, ['y'], 4096],
    ['a hidden value is a result', MLP, ['y', 'b'], ROWS],
    ['another operator reads a hidden value', [...MLP, 'q = Softmax b'], ['y', 'q'], ROWS],
    [
      'a hidden value meets one that the graph is given',
      ['h = MatMul i w', 'e = Mul h x', 'y = MatMul e v'],
      ['y'],
      ROWS,
    ],
    ['a gradient needs all rows at once', [...MLP, 'g = Gemm f j'], ['y', 'g'], ROWS],
    ['hidden values are multiplied with each other', ['h = MatMul i w', 'y = MatMul h h'], ['y'], ROWS],
  ])('changes nothing where %s', (_, lines, results, rows) => {
    expect(chunked(lines, results, rows).nodes.map(lineOf)).toEqual(lines);
  });
});
