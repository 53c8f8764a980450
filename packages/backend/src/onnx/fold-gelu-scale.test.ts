import { describe, expect, test } from '@jest/globals';

import { afterPass, lineOf } from '../../test/graph-lines.js';
import { foldGeluScale } from './fold-gelu-scale.js';
import { FloatAttribute } from './model-writer.js';

const GELU = ['t = Mul x root', 'e = Erf t', 'c = HardSigmoid e', 'a = Mul x c'];
const VECTORS = ['bias'];
const SCALARS = ['root'];

/** The nodes after the pass, products with their factor. */
function folded(lines: readonly string[], results: readonly string[] = ['y']): string[] {
  const shapeOf = (name: string) => (SCALARS.includes(name) ? [] : VECTORS.includes(name) ? [8] : [8, 8]);
  const { nodes } = afterPass(foldGeluScale, { lines, results, shapeOf });
  return nodes.map((node) => {
    const { alpha } = node.attributes;
    return alpha instanceof FloatAttribute ? `${lineOf(node)} times ${alpha.value.toFixed(3)}` : lineOf(node);
  });
}

describe('foldGeluScale', () => {
  test('leaves both factors to the products around a Gelu, and scales the bias', () => {
    expect(folded(['h = MatMul i w', 'x = Add h bias', ...GELU, 'y = MatMul a v'])).toEqual([
      'h = FusedMatMul i w times 0.707',
      'new0 = Mul bias 0.707',
      't = Add h new0',
      'e = Erf t',
      'c = HardSigmoid e',
      'a = Mul t c',
      'y = FusedMatMul a v times 1.414',
    ]);
  });

  test('reaches products through changes of shape and stacks of a row', () => {
    const before = ['h = Gemm i w', 's = Slice h', 'x = Reshape s'];
    const after = ['r = Reshape a', 'u = Concat r r', 'k = Slice u', 'y = Gemm k v', 'z = Gemm g u'];
    expect(folded([...before, ...GELU, ...after], ['y', 'z'])).toEqual([
      'h = Gemm i w times 0.707',
      's = Slice h',
      't = Reshape s',
      'e = Erf t',
      'c = HardSigmoid e',
      'a = Mul t c',
      'r = Reshape a',
      'u = Concat r r',
      'k = Slice u',
      'y = Gemm k v times 1.414',
      'z = Gemm g u times 1.414',
    ]);
  });

  test('gives a product between two Gelus both factors, which cancel', () => {
    const second = ['T = Mul m root', 'E = Erf T', 'C = HardSigmoid E', 'A = Mul m C', 'y = MatMul A v'];
    const lines = folded(['x = MatMul i w', ...GELU, 'm = MatMul a w', ...second]);
    expect(lines).toContain('T = FusedMatMul a w times 1.000');
  });

  test.each([
    ['x comes of something else', ['x = Relu i', ...GELU, 'y = MatMul a v']],
    ['x is an input of the graph', [...GELU, 'y = MatMul a v']],
    ['x is read by something else', ['x = MatMul i w', ...GELU, 'y = MatMul a v', 'q = Relu x']],
    [
      'the product before it is read by something else',
      ['h = MatMul i w', 'x = Add h bias', ...GELU, 'y = MatMul a h'],
    ],
    ['more than a vector is added', ['h = MatMul i w', 'x = Add h i', ...GELU, 'y = MatMul a v']],
    ['something else reads the result', ['x = MatMul i w', ...GELU, 'y = MatMul a v', 'q = Add a i']],
    ['the result is added to a product', ['x = MatMul i w', ...GELU, 'y = Gemm i v a']],
  ])('changes nothing where %s', (_, lines) => {
    expect(folded(lines, ['y', 'q'])).toEqual(lines);
  });

  test.each(['x', 'a'])('changes nothing where %s is a result', (name) => {
    const lines = ['x = MatMul i w', ...GELU, 'y = MatMul a v'];
    expect(folded(lines, ['y', name])).toEqual(lines);
  });
});
