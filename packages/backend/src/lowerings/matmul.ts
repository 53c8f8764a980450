import { backend_util, type _FusedMatMulAttrs, type BatchMatMulAttrs } from '@tensorflow/tfjs-core';

import type { GraphBuilder } from '../onnx/graph-builder.js';
import { MICROSOFT_DOMAIN } from '../onnx/model-writer.js';
import { sizeOf, type Value } from '../onnx/value.js';
import { activate, isActivation } from './activation.js';
import { allOf, lowering, type Lowering, type TensorMeta } from './lowering.js';
import { concat, slice } from './shapes.js';

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

/**
 * The product of two matrices, either one transposed; an image's rows come out the same bit for bit however many rows
 * there are. A single row goes by another routine of ONNX Runtime, so it is doubled here; see step-products.ts, too.
 */
export function gemm(graph: GraphBuilder, a: Value, b: Value, transposition: Transposition = {}): Value {
  const { transposeA = false, transposeB = false } = transposition;
  const [rows] = matrixShape(a.shape, transposeA);
  const columns = b.shape[transposeB ? 0 : 1];
  if (!transposeA && rows === 1) {
    const doubled = gemm(graph, concat(graph, [a, a], 0), b, transposition);
    return slice(graph, doubled, [0, 0], [1, columns]);
  }
  if (!transposeA && !transposeB) return graph.op('MatMul', [a, b], [rows, columns]);
  const attributes = { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 };
  return graph.op('Gemm', [a, b], [rows, columns], { attributes });
}
