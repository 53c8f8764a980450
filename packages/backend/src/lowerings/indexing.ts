import {
  util,
  type CumsumAttrs,
  type GatherV2Attrs,
  type OneHotAttrs,
  type TopKAttrs,
  type UnsortedSegmentSumAttrs,
} from '@tensorflow/tfjs-core';

import type { GraphBuilder } from '../onnx/graph-builder.js';
import { sizeOf, type Value } from '../onnx/value.js';
import type { EngineArray } from '../runtime/session-runtime.js';
import { cast, filled } from './elementwise-unary.js';
import { lowering, type Lowering } from './lowering.js';
import { gemm } from './matmul.js';
import { slice } from './shapes.js';

/** Up to so many entries, a matrix of zeros and ones is the quickest way to add rows up by segment. */
const MAX_SELECTION_ENTRIES = 2 ** 22;

export const indexing: readonly Lowering[] = [
  lowering<GatherV2Attrs>({
    kernel: 'GatherV2',
    inputs: ['x', 'indices'],
    exact: true,
    infer: ([x, indices], { axis, batchDims }) => {
      if (batchDims !== 0 || indices.dtype !== 'int32') return null;
      const [position] = util.parseAxisParam(axis, x.shape);
      const shape = [...x.shape.slice(0, position), ...indices.shape, ...x.shape.slice(position + 1)];
      return { shape, dtype: x.dtype };
    },
    validate: ([, indices], [x], { axis }) => {
      const extent = x.shape[util.parseAxisParam(axis, x.shape)[0]];
      const wrong = indices && firstOutside(indices, extent);
      if (wrong !== undefined)
        throw new Error(`GatherV2: the index value ${wrong} is not in [0, ${extent - 1}]`);
    },
    emit: (graph, [x, indices], { axis }, [{ shape }]) =>
      graph.op('Gather', [x, indices], shape, {
        attributes: { axis: util.parseAxisParam(axis, [...x.shape])[0] },
      }),
  }),
  lowering<UnsortedSegmentSumAttrs>({
    kernel: 'UnsortedSegmentSum',
    inputs: ['x', 'segmentIds'],
    infer: ([x, segmentIds], { numSegments }) => {
      if (x.dtype !== 'float32' || segmentIds.dtype !== 'int32' || segmentIds.shape.length !== 1) return null;
      return { shape: [numSegments, ...x.shape.slice(1)], dtype: 'float32' };
    },
    emit: (graph, [x, segmentIds], _attrs, [{ shape }]) => segmentSum(graph, x, segmentIds, shape),
  }),
  lowering<OneHotAttrs>({
    kernel: 'OneHot',
    inputs: ['indices'],
    exact: true,
    infer: ([indices], { depth, dtype }) => {
      if (indices.dtype !== 'int32' || (dtype !== 'float32' && dtype !== 'int32')) return null;
      return { shape: [...indices.shape, depth], dtype };
    },
    emit: (graph, [indices], { depth, onValue, offValue }, [{ shape, dtype }]) => {
      const chosen = isIndex(graph, indices, depth);
      return graph.op('Where', [chosen, graph.scalar(onValue, dtype), graph.scalar(offValue, dtype)], shape, {
        dtype,
      });
    },
  }),
  lowering<CumsumAttrs>({
    kernel: 'Cumsum',
    inputs: ['x'],
    infer: ([x]) => (x.dtype === 'bool' ? null : { shape: x.shape, dtype: x.dtype }),
    emit: (graph, [x], { axis, exclusive, reverse }) =>
      graph.op('CumSum', [x, graph.scalar(axis, 'int32')], x.shape, {
        attributes: { exclusive: exclusive ? 1 : 0, reverse: reverse ? 1 : 0 },
      }),
  }),
  lowering<TopKAttrs>({
    kernel: 'TopK',
    inputs: ['x'],
    infer: ([x], { k }) => {
      if (x.dtype === 'bool' || x.shape.length === 0 || k > x.shape[x.shape.length - 1]) return null;
      const shape = [...x.shape.slice(0, -1), k];
      return [
        { shape, dtype: x.dtype },
        { shape, dtype: 'int32' },
      ];
    },
    emit: (graph, [x], { k }, [values, indices]) => {
      const outputs = [values, { shape: indices.shape, dtype: 'int64' as const }];
      // Sorted always: the order of the CPU kernel, whatever the caller allows.
      const [largest, positions] = graph.node('TopK', [x, graph.ints([k])], outputs, {
        axis: -1,
        largest: 1,
        sorted: 1,
      });
      return [largest, cast(graph, positions, 'int32')];
    },
  }),
];

function firstOutside(indices: EngineArray, extent: number): number | undefined {
  for (const index of indices) if (index < 0 || index >= extent) return index;
  return undefined;
}

/** Whether index i equals j, for every j below `depth`: [..., depth]. */
function isIndex(graph: GraphBuilder, indices: Value, depth: number): Value {
  const range = graph.initializer(
    'int32',
    [depth],
    Int32Array.from({ length: depth }, (_, j) => j),
  );
  const column = graph.reshape(indices, [...indices.shape, 1]);
  return graph.op('Equal', [column, range], [...indices.shape, depth], { dtype: 'bool' });
}

/** Sums of the rows of x with the same segment; rows of a segment that does not exist are dropped. */
function segmentSum(graph: GraphBuilder, x: Value, segmentIds: Value, shape: readonly number[]): Value {
  const [count] = segmentIds.shape;
  const [segments] = shape;
  const width = sizeOf(x.shape.slice(1));
  const rows = graph.reshape(x, [count, width]);
  if (count * segments <= MAX_SELECTION_ENTRIES) {
    const selection = cast(graph, isIndex(graph, segmentIds, segments), 'float32');
    return graph.reshape(gemm(graph, selection, rows, { transposeA: true }), shape);
  }
  const sums = scatteredSums(graph, rows, validSegments(graph, segmentIds, segments), segments + 1);
  return graph.reshape(slice(graph, sums, [0, 0], [segments, width]), shape);
}

/** Ids out of range are sent to one segment more. */
function validSegments(graph: GraphBuilder, ids: Value, segments: number): Value {
  const { shape } = ids;
  const isNegative = graph.op('Less', [ids, graph.scalar(0, 'int32')], shape, { dtype: 'bool' });
  const isBeyond = graph.op('GreaterOrEqual', [ids, graph.scalar(segments, 'int32')], shape, {
    dtype: 'bool',
  });
  const isInvalid = graph.op('Or', [isNegative, isBeyond], shape, { dtype: 'bool' });
  return graph.op('Where', [isInvalid, graph.scalar(segments, 'int32'), ids], shape, { dtype: 'int32' });
}

/**
 * ScatterElements, not ScatterND: ONNX Runtime splits the additions of the latter among threads without guarding the sums,
 * and loses some.
 */
function scatteredSums(graph: GraphBuilder, rows: Value, ids: Value, segments: number): Value {
  const [count, width] = rows.shape;
  const zeros = filled(graph, [segments, width], 0, 'float32');
  const positions = graph.reshape(cast(graph, ids, 'int64'), [count, 1]);
  const spread = graph.op('Expand', [positions, graph.ints(rows.shape)], rows.shape, { dtype: 'int64' });
  return graph.op('ScatterElements', [zeros, spread, rows], zeros.shape, {
    attributes: { axis: 0, reduction: 'add' },
  });
}
