import { describe, expect, test } from '@jest/globals';

import { afterPass, lineOf } from '../../test/graph-lines.js';
import { FloatAttribute, type Attribute, type GraphNode } from './model-writer.js';
import { stepProducts } from './step-products.js';

/** 300 inner columns and 100 columns, of which a thread of two would take 48: steps of 128. */
const INNER = 300;
const COLUMNS = 100;

interface Product {
  readonly columns?: number;
  readonly inner?: number;
  readonly attributes?: Record<string, Attribute>;
}

function stepped(
  lines: readonly string[],
  rows: number,
  { columns = COLUMNS, inner = INNER, attributes = {} }: Product = {},
): GraphNode[] {
  const shapeOf = (name: string) => {
    if (name === 'x') return [rows, inner];
    if (name === 'w') return attributes.transB === 1 ? [columns, inner] : [inner, columns];
    return [rows, columns];
  };
  return afterPass(stepProducts, { lines, results: ['y', 'z'], shapeOf, attributesOf: () => attributes })
    .nodes;
}

describe('stepProducts', () => {
  test('sums a product with fewer rows than columns up in steps', () => {
    const nodes = stepped(['y = MatMul x w'], 7);
    expect(nodes.map(lineOf)).toEqual([
      'new0 = Slice x [0] [128] [1]',
      'new1 = Slice w [0] [128] [0]',
      'new2 = Gemm new0 new1',
      'new3 = Slice x [128] [256] [1]',
      'new4 = Slice w [128] [256] [0]',
      'new5 = Gemm new3 new4 new2',
      'new6 = Slice x [256] [300] [1]',
      'new7 = Slice w [256] [300] [0]',
      'y = Gemm new6 new7 new5',
    ]);
  });

  test('keeps the factor and the transposition', () => {
    const attributes = { transB: 1, alpha: new FloatAttribute(2) };
    const nodes = stepped(['y = FusedMatMul x w'], 7, { attributes });
    const products = nodes.filter(({ type }) => type === 'Gemm');
    expect(products).toHaveLength(3);
    for (const product of products) expect(product.attributes).toMatchObject(attributes);
    expect(nodes.map(lineOf)).toContain('new1 = Slice w [0] [128] [1]');
  });

  test('slices a matrix once for several products', () => {
    const nodes = stepped(['y = MatMul x w', 'z = MatMul x w'], 7);
    expect(nodes.filter(({ type }) => type === 'Slice')).toHaveLength(6);
  });

  test.each([
    ['there are as many rows as columns', 100, {}],
    ['a single row goes by another routine', 1, {}],
    ['the inner columns are a single step', 7, { inner: 128 }],
    ["a thread's share is large enough", 7, { columns: 512 }],
  ])('changes nothing where %s', (_, rows, sizes) => {
    expect(stepped(['y = MatMul x w'], rows, sizes).map(lineOf)).toEqual(['y = MatMul x w']);
  });
});
