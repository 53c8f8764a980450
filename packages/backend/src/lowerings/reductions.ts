import { backend_util, util } from '@tensorflow/tfjs-core';

import type { GraphBuilder } from '../onnx/graph-builder.js';
import { sizeOf, type Value } from '../onnx/value.js';
import type { EngineDtype } from '../runtime/session-runtime.js';
import { cast } from './elementwise-unary.js';
import { lowering, type Lowering, type TensorMeta } from './lowering.js';
import { concat, sliceAxis } from './shapes.js';

interface ReductionAttrs {
  readonly axis?: number | number[];
  readonly reductionIndices?: number | number[];
  readonly keepDims?: boolean;
}

function reductionAxes({ axis, reductionIndices }: ReductionAttrs, shape: number[]): number[] {
  return util.parseAxisParam(axis ?? reductionIndices ?? shape.map((_, i) => i), shape);
}

function reducedShape(attrs: ReductionAttrs, { shape }: { readonly shape: readonly number[] }): number[] {
  const axes = reductionAxes(attrs, [...shape]);
  const kept = backend_util.expandShapeToKeepDim(
    shape.filter((_, i) => !axes.includes(i)),
    axes,
  );
  return attrs.keepDims ? kept : shape.filter((_, i) => !axes.includes(i));
}

/** Sum, Mean, ... of x over some axes; `emit` gets the axes as ONNX wants them. */
function reduction(
  kernel: string,
  dtypes: readonly EngineDtype[],
  emit: (graph: GraphBuilder, x: Value, axes: readonly number[], shape: readonly number[]) => Value,
  { exact = false } = {},
): Lowering {
  return lowering<ReductionAttrs>({
    kernel,
    inputs: ['x'],
    exact,
    infer: ([x], attrs) =>
      dtypes.includes(x.dtype) ? { shape: reducedShape(attrs, x), dtype: x.dtype } : null,
    emit: (graph, [x], attrs, [{ shape }]) => emit(graph, x, reductionAxes(attrs, [...x.shape]), shape),
  });
}

/** A Reduce* node; dimensions that stay are as the output shape says, kept or not. */
export function reduce(
  graph: GraphBuilder,
  type: string,
  x: Value,
  axes: readonly number[],
  shape: readonly number[],
): Value {
  if (axes.every((axis) => x.shape[axis] === 1)) return graph.reshape(x, shape);
  if (isLoneBatch(x.shape, axes)) {
    // One image alone would be summed in another order than in a batch: doubled, it is a batch.
    const doubled = reduce(graph, type, concat(graph, [x, x], 0), axes, [
      2,
      ...x.shape.slice(1).map((size, i) => (axes.includes(i + 1) ? 1 : size)),
    ]);
    return graph.reshape(sliceAxis(graph, doubled, 0, 0, 1), shape);
  }
  const groups = groupsOfRows(x.shape, axes);
  if (groups > 1) {
    const columns = sizeOf(x.shape.slice(axes.length));
    const rows = graph.reshape(x, [groups, sizeOf(x.shape) / (groups * columns), columns]);
    const partial = reduce(graph, type, rows, [1], [groups, columns]);
    return graph.reshape(reduce(graph, type, partial, [0], [columns]), shape);
  }
  const keepdims = x.shape.map((size, i) => (axes.includes(i) ? 1 : size));
  const reduced = graph.op(type, [x, graph.ints(axes)], keepdims, { attributes: { keepdims: 1 } });
  return graph.reshape(reduced, shape);
}

/** With fewer rows ONNX Runtime reduces them fast at once. */
const MANY_ROWS = 256;
const MOST_GROUPS = 64;

/** The groups in which rows are reduced before their results are: ONNX Runtime reduces many rows to one on one thread. */
function groupsOfRows(shape: readonly number[], axes: readonly number[]): number {
  const areLeading = axes.length < shape.length && axes.every((axis) => axis < axes.length);
  const rows = sizeOf(shape.slice(0, axes.length));
  if (!areLeading || rows < MANY_ROWS) return 1;
  let groups = MOST_GROUPS;
  while (rows % groups !== 0) groups--;
  return groups;
}

/** Whether a batch of one is reduced over axes in the middle, which ONNX Runtime does by a routine of its own. */
function isLoneBatch(shape: readonly number[], axes: readonly number[]): boolean {
  const first = Math.min(...axes);
  const keepsLast = !axes.includes(shape.length - 1);
  return first > 0 && keepsLast && shape.slice(0, first).every((size) => size === 1);
}

/** Max and Min must answer NaN where any element is NaN. */
function nanAware(type: 'ReduceMax' | 'ReduceMin') {
  return (graph: GraphBuilder, x: Value, axes: readonly number[], shape: readonly number[]): Value => {
    const extreme = reduce(graph, type, x, axes, shape);
    if (x.dtype !== 'float32') return extreme;
    const isNaN = graph.op('IsNaN', [x], x.shape, { dtype: 'bool' });
    const anyNaN = cast(
      graph,
      reduce(graph, 'ReduceMax', cast(graph, isNaN, 'float32'), axes, shape),
      'bool',
    );
    return graph.op('Where', [anyNaN, graph.scalar(NaN), extreme], shape, { dtype: 'float32' });
  };
}

function logical(type: 'ReduceMax' | 'ReduceMin') {
  return (graph: GraphBuilder, x: Value, axes: readonly number[], shape: readonly number[]): Value =>
    cast(graph, reduce(graph, type, cast(graph, x, 'int32'), axes, shape), 'bool');
}

/** Index of the extreme element along one axis; as in TensorFlow.js NaN never wins, ties go to the first. */
function argExtreme(kernel: 'ArgMax' | 'ArgMin'): Lowering {
  return lowering<{ axis: number | number[] }>({
    kernel,
    inputs: ['x'],
    infer: ([x], { axis }) => {
      const axes = util.parseAxisParam(axis, x.shape);
      if (x.dtype === 'bool' || axes.length !== 1 || x.shape.length === 0) return null;
      return { shape: x.shape.filter((_, i) => i !== axes[0]), dtype: 'int32' };
    },
    emit: (graph, [x], { axis }, [{ shape }]) => {
      const [position] = util.parseAxisParam(axis, [...x.shape]);
      const index = graph.op(
        kernel,
        [withoutNaN(graph, x, kernel === 'ArgMax' ? -Infinity : Infinity)],
        shape,
        {
          dtype: 'int64',
          attributes: { axis: position, keepdims: 0 },
        },
      );
      return cast(graph, index, 'int32');
    },
  });
}

/** NaN replaced by a number, in tensors that can hold it. */
export function withoutNaN(graph: GraphBuilder, x: Value, replacement: number): Value {
  if (x.dtype !== 'float32') return x;
  const isNaN = graph.op('IsNaN', [x], x.shape, { dtype: 'bool' });
  return graph.op('Where', [isNaN, graph.scalar(replacement), x], x.shape, { dtype: 'float32' });
}

export const reductions: readonly Lowering[] = [
  reduction('Sum', ['float32', 'int32'], (graph, x, axes, shape) =>
    reduce(graph, 'ReduceSum', x, axes, shape),
  ),
  reduction('Mean', ['float32'], (graph, x, axes, shape) => reduce(graph, 'ReduceMean', x, axes, shape)),
  reduction('Prod', ['float32'], (graph, x, axes, shape) => reduce(graph, 'ReduceProd', x, axes, shape)),
  reduction('Max', ['float32', 'int32'], nanAware('ReduceMax'), { exact: true }),
  reduction('Min', ['float32', 'int32'], nanAware('ReduceMin'), { exact: true }),
  reduction('All', ['bool'], logical('ReduceMin'), { exact: true }),
  reduction('Any', ['bool'], logical('ReduceMax'), { exact: true }),
  argExtreme('ArgMax'),
  argExtreme('ArgMin'),
  lowering<{ dim: number }>({
    kernel: 'Softmax',
    inputs: ['logits'],
    infer: ([logits]) => (logits.dtype === 'float32' ? softmaxMeta(logits) : null),
    emit: (graph, [logits], { dim }) =>
      graph.op('Softmax', [logits], logits.shape, { attributes: { axis: dim } }),
  }),
];

function softmaxMeta({ shape }: TensorMeta): TensorMeta {
  return { shape, dtype: 'float32' };
}
