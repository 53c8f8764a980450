import { describe, expect, test } from '@jest/globals';

import { afterPass, lineOf } from '../../test/graph-lines.js';
import { foldVectors } from './fold-vectors.js';
import type { Attribute } from './model-writer.js';

const ROWS = 5;
const NARROW = 8;
const WIDE = 32;
/** Of 8 columns; w is [8, 32], v [32, 8], all hidden values h and k 32 wide, everything else 8. */
const VECTORS = ['gamma', 'beta', 'scale', 'c', 'ones8'];

/** Patches of 2x2 pixels of 8 channels: pixels, rows of pixels apart, rows of patches. */
const SHAPES: Record<string, readonly number[]> = {
  4: [ROWS, 2, 2, NARROW],
  5: [ROWS, 2, 2, 1, NARROW],
  2: [ROWS, WIDE],
  6: [ROWS, 4, NARROW],
};

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
    if (/_[2456]$/.test(name)) return SHAPES[name.slice(-1)];
    return [ROWS, 'hk'.includes(name[0]) ? WIDE : NARROW];
  };
  const attributesOf = ({ type, outputs }: { type: string; outputs: readonly string[] }) => {
    const attributes: Record<string, Attribute> = {};
    if (type === 'LayerNormalization') attributes.epsilon = 1;
    if (type === 'Transpose') attributes.perm = outputs[0] === 't_6' ? [0, 2, 1] : [0, 2, 1, 3, 4];
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

function formulaOf(type: string, inputs: readonly string[]): string {
  const [left, right] = inputs;
  if (type === 'Reshape') return left;
  if (type === 'Concat') return `(${inputs})`;
  return `(${left}${{ Mul: '*', Add: '+', Gemm: '@' }[type]}${right})`;
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

  test('finds the channels in patches of pixels that are rows of a matrix, and in the gradient of these', () => {
    const forward = ['n = LayerNormalization x_4 gamma beta', 's_5 = Reshape n', 't_5 = Transpose s_5'];
    const product = ['p_2 = Reshape t_5', 'h = MatMul p_2 v', 'k = Add h c'];
    const backward = ['d_2 = Gemm k v', 'e_5 = Reshape d_2', 'f_5 = Transpose e_5', 'g_4 = Reshape f_5'];
    const gradient = ['m s i = LayerNormalization x_4 ones8', 'q_4 = Mul g_4 gamma', 'z = Mul q_4 m'];
    const lines = folded([...forward, ...product, ...backward, ...gradient], ['k', 'z'], ['d_2']);
    expect(lines).toEqual([
      'm s i = LayerNormalization x_4 ones8',
      's_5 = Reshape m',
      't_5 = Transpose s_5',
      'p_2 = Reshape t_5',
      'h = MatMul p_2 (v*(gamma,gamma,gamma,gamma))',
      'k = Add h (c+((beta,beta,beta,beta)@v))',
      'd_2 = Gemm k (v*(gamma,gamma,gamma,gamma))',
      'e_5 = Reshape d_2',
      'f_5 = Transpose e_5',
      'q_4 = Reshape f_5',
      'z = Mul q_4 m',
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
      'patches have the channels in pieces',
      ['m = Mul x_6 gamma', 't_6 = Transpose m', 'p_2 = Reshape t_6', 'h = MatMul p_2 v'],
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
