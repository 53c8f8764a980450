import { describe, expect, test } from '@jest/globals';

import { afterPass, lineOf } from '../../test/graph-lines.js';
import { foldVectors } from './fold-vectors.js';
import type { Attribute } from './model-writer.js';

const ROWS = 5;
const NARROW = 8;
const WIDE = 32;
/** Of 8 columns; w is [8, 32], v [32, 8], all hidden values h and k 32 wide, everything else 8. */
const VECTORS = ['gamma', 'beta', 'scale', 'c', 'ones8'];

/** The nodes after the pass, those that only need weights under what they compute. */
function folded(
  lines: readonly string[],
  results: readonly string[],
  transB: readonly string[] = [],
): string[] {
  const shapeOf = (name: string): readonly number[] => {
    if (VECTORS.includes(name)) return [NARROW];
    if (name === 'b') return [WIDE];
    if (name === 'w' || name === 'v') return name === 'w' ? [NARROW, WIDE] : [WIDE, NARROW];
    if (name.startsWith('w_')) return [NARROW / 2, WIDE];
    if (name.startsWith('n_')) return [ROWS, NARROW / 2];
    return [ROWS, 'hk'.includes(name[0]) ? WIDE : NARROW];
  };
  const attributesOf = ({ type, outputs }: { type: string; outputs: readonly string[] }) => {
    const attributes: Record<string, Attribute> = {};
    if (type === 'LayerNormalization') attributes.epsilon = 1;
    if (transB.includes(outputs[0])) attributes.transB = 1;
    return attributes;
  };
  const { nodes } = afterPass(foldVectors, { lines, results, shapeOf, attributesOf });
  const formulas = new Map<string, string>();
  return nodes.flatMap((node) => {
    const inputs = node.inputs.map((name) => formulas.get(name) ?? name);
    if (!node.name.startsWith('folded')) return [lineOf({ ...node, inputs })];
    formulas.set(node.outputs[0], formulaOf(node.type, inputs));
    return [];
  });
}

function formulaOf(type: string, [left, right]: readonly string[]): string {
  if (type === 'Reshape') return left;
  return `(${left}${{ Mul: '*', Add: '+', Gemm: '@', Slice: '/' }[type]}${right})`;
}

describe('foldVectors', () => {
  test("takes a LayerNorm's vectors into the weights and the bias behind it", () => {
    const lines = ['n = LayerNormalization x gamma beta', 'r = Reshape n', 'h = MatMul r w', 'k = Add h b'];
    expect(folded(lines, ['k'])).toEqual([
      'n = LayerNormalization x ones8',
      'r = Reshape n',
      'h = MatMul r (w*gamma)',
      'k = Add h (b+(beta@w))',
    ]);
  });

  test("uses the normalised values of a LayerNorm's gradient, whose factor goes into the same weights", () => {
    const forward = ['n = LayerNormalization x gamma beta', 'h = MatMul n w', 'k = Add h b'];
    const backward = ['d = Gemm k w', 'm s i = LayerNormalization x ones8', 'g = Mul d gamma', 'z = Mul g m'];
    expect(folded([...forward, ...backward], ['k', 'z'], ['d'])).toEqual([
      'm s i = LayerNormalization x ones8',
      'h = MatMul m (w*gamma)',
      'k = Add h (b+(beta@w))',
      'g = Gemm k (w*gamma)',
      'z = Mul g m',
    ]);
  });

  test('shares the normalised values among LayerNorms of one value', () => {
    const block = (n: string) => [
      `${n} = LayerNormalization x gamma beta`,
      `h${n} = MatMul ${n} w`,
      `k${n} = Add h${n} b`,
    ];
    const gradient = ['m s i = LayerNormalization x ones8', 'z = Relu m'];
    const lines = folded([...block('p'), ...block('q'), ...gradient], ['kp', 'kq', 'z']);
    expect(lines.filter((line) => line.includes('LayerNormalization'))).toEqual([
      'm s i = LayerNormalization x ones8',
    ]);
    expect(lines[0]).toContain('LayerNormalization');
  });

  test('takes a LayerScale into the weights and the bias before it, and the same factor in its gradient', () => {
    const forward = ['o = MatMul h v', 'p = Add o c', 'r = Reshape p', 'q = Mul r scale'];
    const backward = ['g = Mul y scale', 'k = Gemm g v'];
    expect(folded([...forward, ...backward], ['q', 'k'], ['k'])).toEqual([
      'o = MatMul h (v*scale)',
      'p = Add o (c*scale)',
      'q = Reshape p',
      'k = Gemm y (v*scale)',
    ]);
  });

  test('takes both vectors where one product has two', () => {
    const lines = ['m = Mul x gamma', 'n = MatMul m w', 'h = Add n b', 'o = MatMul h v', 'q = Mul o scale'];
    expect(folded(lines, ['q'])).toContain('q = MatMul h (v*scale)');
  });

  test('follows products that are summed up in steps', () => {
    const steps = ['n_1 = Slice m 0 4 1', 'w_1 = Slice w 0 4 0', 'h1 = Gemm n_1 w_1'];
    const more = ['n_2 = Slice m 4 8 1', 'w_2 = Slice w 4 8 0', 'h2 = Gemm n_2 w_2 h1'];
    expect(folded(['m = Mul x gamma', ...steps, ...more], ['h2'])).toEqual([
      'n_1 = Slice x 0 4 1',
      'h1 = Gemm n_1 ((w*gamma)/0)',
      'n_2 = Slice x 4 8 1',
      'h2 = Gemm n_2 ((w*gamma)/4) h1',
    ]);
  });

  test('places what is computed of weights after these', () => {
    const lines = ['w = Relu u', 'm = Mul x gamma', 'h = MatMul m w', 'o = MatMul h v', 'q = Mul o c'];
    expect(folded(lines, ['q'])).toEqual(['w = Relu u', 'h = MatMul x (w*gamma)', 'q = MatMul h (v*c)']);
  });

  test.each([
    ['the vector depends on the product', ['o = MatMul h v', 'scale = ReduceMean c o', 'q = Mul o scale']],
    ['the scaled value is the second factor', ['m = Mul w gamma', 'h = MatMul x m']],
    ['the scaled value is multiplied with itself', ['m = Mul x gamma', 'z = Gemm m m']],
    ['something else reads the scaled value', ['m = Mul x gamma', 'h = MatMul m w', 'z = Relu m']],
    ['something else reads the product', ['o = MatMul h v', 'q = Mul o scale', 'z = Relu o']],
    ['the product is a result', ['z = MatMul h v', 'q = Mul z scale']],
    [
      'slices do not belong together',
      ['m = Mul x gamma', 'n_1 = Slice m 0 4 1', 'w_2 = Slice w 4 8 0', 'h = Gemm n_1 w_2'],
    ],
    ['no bias follows a LayerNorm', ['n = LayerNormalization x gamma beta', 'h = MatMul n w', 'q = Relu h']],
    [
      'a LayerNorm has other readers',
      ['n = LayerNormalization x gamma beta', 'h = MatMul n w', 'k = Add h b', 'z = Relu n'],
    ],
  ])('changes nothing where %s', (_, lines) => {
    expect(folded(lines, ['h', 'k', 'q', 'z', 'h1'])).toEqual(lines);
  });
});
