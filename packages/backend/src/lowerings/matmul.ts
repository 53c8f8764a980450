import { backend_util, type _FusedMatMulAttrs, type BatchMatMulAttrs } from '@tensorflow/tfjs-core';

import { MICROSOFT_DOMAIN, sizeOf, type GraphBuilder, type Value } from '../onnx/graph-builder.js';
import { activate, isActivation } from './activation.js';
import { allOf, lowering, type Lowering, type TensorMeta } from './lowering.js';
import { concat, slice, sliceAxis } from './shapes.js';

export const matmul: readonly Lowering[] = [
  lowering<BatchMatMulAttrs>({
    kernel: 'BatchMatMul',
    inputs: ['a', 'b'],
    infer: (inputs, attrs) => productMeta(inputs, attrs),
    emit: (graph, [a, b], attrs, [{ shape }]) => product(graph, a, b, attrs, shape),
  }),
  lowering<_FusedMatMulAttrs>({
    kernel: '_FusedMatMul',
    inputs: ['a', 'b', 'bias', 'preluActivationWeights'],
    infer: ([a, b, bias, prelu], attrs) =>
      isActivation(attrs.activation) && allOf('float32', [a, b, bias, prelu])
        ? productMeta([a, b], attrs)
        : null,
    emit: (graph, [a, b, bias, prelu], attrs, [{ shape }]) => {
      let result = product(graph, a, b, attrs, shape);
      if (bias) result = graph.op('Add', [result, bias], shape);
      return activate(graph, result, attrs.activation, prelu, attrs.leakyreluAlpha);
    },
  }),
];

function productMeta(
  [a, b]: readonly TensorMeta[],
  { transposeA, transposeB }: BatchMatMulAttrs,
): TensorMeta | null {
  const rank = Math.max(a.shape.length, b.shape.length);
  if (!allOf('float32', [a, b]) || a.shape.length < 2 || b.shape.length < 2 || rank > 6) return null;
  const [rows, inner] = matrixShape(a.shape, transposeA);
  const [innerOfB, columns] = matrixShape(b.shape, transposeB);
  if (inner !== innerOfB) return null;
  const batch = backend_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  return { shape: [...batch, rows, columns], dtype: 'float32' };
}

/** Rows and columns of a stack of matrices, after transposing them if so told. */
function matrixShape(shape: readonly number[], transposed: boolean): [number, number] {
  const [rows, columns] = shape.slice(-2);
  return transposed ? [columns, rows] : [rows, columns];
}

/** a b, either one transposed in its last two axes, batches broadcast. */
function product(
  graph: GraphBuilder,
  a: Value,
  b: Value,
  { transposeA, transposeB }: BatchMatMulAttrs,
  shape: readonly number[],
): Value {
  const oneMatrix = sizeOf(b.shape.slice(0, -2)) === 1;
  const stackable = !transposeA || sizeOf(a.shape.slice(0, -2)) === 1;
  if (oneMatrix && stackable) {
    // All batches meet the same matrix: [..., M, K] -> [M', K], one large product.
    const rows = graph.reshape(a, [sizeOf(a.shape.slice(0, -1)), a.shape[a.shape.length - 1]]);
    const matrix = graph.reshape(b, b.shape.slice(-2));
    return graph.reshape(gemm(graph, rows, matrix, { transposeA, transposeB }), shape);
  }
  return graph.op('FusedMatMul', [a, b], shape, {
    attributes: { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 },
    domain: MICROSOFT_DOMAIN,
  });
}

interface Transposition {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/** A product's columns are shared out among the threads by so many. */
const SHARED_COLUMNS = 16;

/**
 * The product of two matrices, either one transposed; an image's rows come out the same bit for bit however many rows
 * there are. Two habits of ONNX Runtime's matrix multiplication (MLAS, sgemm.cpp) stand against that. A single row goes
 * by another routine: it is doubled here. And a product with fewer rows than columns is shared out by columns, while
 * the length of the partial sums depends on the columns of a share if these are few: such products are summed up in steps here.
 */
export function gemm(graph: GraphBuilder, a: Value, b: Value, transposition: Transposition = {}): Value {
  const { transposeA = false, transposeB = false } = transposition;
  const [rows, inner] = matrixShape(a.shape, transposeA);
  const columns = b.shape[transposeB ? 0 : 1];
  if (!transposeA && rows === 1) {
    const doubled = gemm(graph, concat(graph, [a, a], 0), b, transposition);
    return slice(graph, doubled, [0, 0], [1, columns]);
  }
  const step = partialSumLength(columns);
  // The last share ends with the columns.
  const smallestShare =
    SHARED_COLUMNS * (Math.floor(Math.ceil(columns / SHARED_COLUMNS) / graph.threads) - 1) + 1;
  if (!transposeA && rows < columns && partialSumLength(smallestShare) > step && inner > step) {
    return steppedProduct(graph, a, b, transposeB, step);
  }
  if (!transposeA && !transposeB) return graph.op('MatMul', [a, b], [rows, columns]);
  return multiplyAdd(graph, a, b, transposition);
}

/** The terms that MLAS adds up before it rounds to memory, for a product of so many columns. */
function partialSumLength(columns: number): number {
  let [sharedColumns, length] = [128, 128];
  while (sharedColumns > 16 && sharedColumns / 2 >= columns) {
    length *= 2;
    sharedColumns /= 2;
  }
  return length;
}

/** a b as a sum of products of `step` inner columns each. */
function steppedProduct(graph: GraphBuilder, a: Value, b: Value, transposeB: boolean, step: number): Value {
  const inner = a.shape[1];
  let total: Value | undefined;
  for (let start = 0; start < inner; start += step) {
    const size = Math.min(step, inner - start);
    const part = sliceAxis(graph, a, 1, start, size);
    total = multiplyAdd(
      graph,
      part,
      sliceAxis(graph, b, transposeB ? 1 : 0, start, size),
      { transposeB },
      total,
    );
  }
  return total!;
}

/** a b + c */
function multiplyAdd(
  graph: GraphBuilder,
  a: Value,
  b: Value,
  { transposeA, transposeB }: Transposition,
  c?: Value,
): Value {
  const shape = [a.shape[transposeA ? 1 : 0], b.shape[transposeB ? 0 : 1]];
  return graph.op('Gemm', c ? [a, b, c] : [a, b], shape, {
    attributes: { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 },
  });
}
