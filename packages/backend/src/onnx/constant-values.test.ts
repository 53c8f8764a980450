import { describe, expect, test } from '@jest/globals';

import { afterPass } from '../../test/graph-lines.js';
import { ConstantValues } from './constant-values.js';
import { NodeIndex } from './graph-pass.js';

const NUMBERS: Record<string, readonly number[]> = {
  matrix: [1, 2, 3, 4, 5, 6],
  row: [10, 100, 1000],
  column: [2, -3],
  half: [0.5],
};
const SHAPES: Record<string, readonly number[]> = {
  matrix: [2, 3],
  row: [3],
  column: [2, 1],
  half: [],
  rows: [6],
};

/** What the nodes make of the constants. */
function valueOf(lines: readonly string[]): number[] | undefined {
  let result: Float32Array | undefined;
  afterPass(
    (nodes, context) => {
      result = new ConstantValues(new NodeIndex(nodes, context)).of('y');
      return [...nodes];
    },
    {
      lines,
      results: ['y'],
      shapeOf: (name) => SHAPES[name] ?? [2, 3],
      dataOf: (name) => (name in NUMBERS ? Float32Array.from(NUMBERS[name]) : undefined),
    },
  );
  return result && [...result];
}

describe('ConstantValues', () => {
  test.each([
    ['a row', ['y = Mul matrix row'], [10, 200, 3000, 40, 500, 6000]],
    ['a column', ['y = Mul matrix column'], [2, 4, 6, -12, -15, -18]],
    ['a scalar', ['y = Mul matrix half'], [0.5, 1, 1.5, 2, 2.5, 3]],
    ['several, in turn', ['a = Mul matrix row', 'y = Mul a column'], [20, 400, 6000, -120, -1500, -18000]],
    ['another shape', ['y = Reshape matrix shape'], [1, 2, 3, 4, 5, 6]],
  ])('multiplies a matrix with %s', (_, lines, expected) => {
    expect(valueOf(lines)).toEqual(expected);
  });

  test('joins vectors', () => {
    expect(valueOf(['rows = Concat row row', 'y = Reshape rows shape'])).toEqual([
      10, 100, 1000, 10, 100, 1000,
    ]);
  });

  test.each([
    ['an input of the graph', ['y = Mul x row']],
    ['another operator', ['y = Relu matrix']],
    ['joined matrices', ['y = Concat matrix matrix']],
    ['a vector that is spread', ['y = Mul row matrix']],
  ])('knows nothing of %s', (_, lines) => {
    expect(valueOf(lines)).toBeUndefined();
  });
});
