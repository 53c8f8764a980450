import {
  backend_util,
  slice_util,
  util,
  type ConcatAttrs,
  type DepthToSpaceAttrs,
  type PackAttrs,
  type PadV2Attrs,
  type ReverseAttrs,
  type SliceAttrs,
  type SplitVAttrs,
  type TileAttrs,
  type TransposeAttrs,
  type UnpackAttrs,
} from '@tensorflow/tfjs-core';

import type { GraphBuilder } from '../onnx/graph-builder.js';
import type { Value } from '../onnx/value.js';
import { ALIAS, lowering, type Lowering, type TensorMeta } from './lowering.js';

export const shapes: readonly Lowering[] = [
  lowering<TransposeAttrs>({
    kernel: 'Transpose',
    inputs: ['x'],
    exact: true,
    infer: ([x], { perm }) => ({ shape: perm.map((axis) => x.shape[axis]), dtype: x.dtype }),
    emit: (graph, [x], { perm }) => graph.transpose(x, perm),
  }),
  lowering<ConcatAttrs>({
    kernel: 'Concat',
    inputs: 'list',
    exact: true,
    infer: (inputs, { axis }) => {
      const [first] = inputs;
      const [position] = util.parseAxisParam(axis, first.shape);
      if (!inputs.every((input) => fitsBeside(input, first, position))) return null;
      return {
        shape: backend_util.computeOutShape(
          inputs.map(({ shape }) => shape),
          position,
        ),
        dtype: first.dtype,
      };
    },
    emit: (graph, inputs, { axis }, [{ shape }]) =>
      concat(graph, inputs, util.parseAxisParam(axis, shape)[0]),
  }),
  lowering<PackAttrs>({
    kernel: 'Pack',
    inputs: 'list',
    exact: true,
    infer: (inputs, { axis }) => {
      const [first] = inputs;
      if (!inputs.every((input) => fitsBeside(input, first))) return null;
      const shape = [...first.shape];
      shape.splice(normalAxis(axis, shape.length + 1), 0, inputs.length);
      return { shape, dtype: first.dtype };
    },
    emit: (graph, inputs, { axis }, [{ shape }]) => {
      const position = normalAxis(axis, shape.length);
      const slab = shape.map((size, i) => (i === position ? 1 : size));
      return concat(
        graph,
        inputs.map((input) => graph.reshape(input, slab)),
        position,
      );
    },
  }),
  lowering<UnpackAttrs>({
    kernel: 'Unpack',
    inputs: ['value'],
    exact: true,
    infer: ([value], { axis }) => {
      const position = normalAxis(axis, value.shape.length);
      const shape = value.shape.filter((_, i) => i !== position);
      return Array.from({ length: value.shape[position] }, () => ({ shape, dtype: value.dtype }));
    },
    emit: (graph, [value], { axis }, outputs) => {
      const position = normalAxis(axis, value.shape.length);
      return outputs.map(({ shape }, i) => graph.reshape(sliceAxis(graph, value, position, i, 1), shape));
    },
  }),
  lowering<SplitVAttrs>({
    kernel: 'SplitV',
    inputs: ['x'],
    exact: true,
    infer: ([x], { numOrSizeSplits, axis }) => {
      const [position] = util.parseAxisParam(axis, x.shape);
      const sizes = backend_util.prepareSplitSize({ shape: x.shape } as never, numOrSizeSplits, position);
      return sizes.map((size) => ({
        shape: x.shape.map((extent, i) => (i === position ? size : extent)),
        dtype: x.dtype,
      }));
    },
    emit: (graph, [x], { axis }, outputs) => {
      const [position] = util.parseAxisParam(axis, [...x.shape]);
      let start = 0;
      return outputs.map(({ shape }) => {
        const part = sliceAxis(graph, x, position, start, shape[position]);
        start += shape[position];
        return part;
      });
    },
  }),
  lowering<SliceAttrs>({
    kernel: 'Slice',
    inputs: ['x'],
    exact: true,
    infer: ([x], { begin, size }) => {
      const [start, extent] = slice_util.parseSliceParams({ shape: x.shape } as never, begin, size);
      slice_util.assertParamsValid({ shape: x.shape } as never, start, extent);
      return { shape: extent, dtype: x.dtype };
    },
    // A batch cut out of a data set: a view of the same memory, at another place every time.
    prefersCpu: ([values], [x], { begin, size }) => {
      if (!values) return false;
      const [start, extent] = slice_util.parseSliceParams({ shape: x.shape } as never, begin, size);
      return slice_util.isSliceContinous(x.shape, start, extent);
    },
    emit: (graph, [x], { begin, size }) => {
      const [start, extent] = slice_util.parseSliceParams({ shape: x.shape } as never, begin, size);
      return slice(
        graph,
        x,
        start,
        start.map((first, i) => first + extent[i]),
      );
    },
  }),
  lowering<PadV2Attrs>({
    kernel: 'PadV2',
    inputs: ['x'],
    exact: true,
    infer: ([x], { paddings }) => {
      if (x.dtype === 'bool' || paddings.some(([before, after]) => before < 0 || after < 0)) return null;
      return { shape: x.shape.map((size, i) => size + paddings[i][0] + paddings[i][1]), dtype: x.dtype };
    },
    emit: (graph, [x], { paddings, constantValue }) =>
      pad(
        graph,
        x,
        paddings.map(([before]) => before),
        paddings.map(([, after]) => after),
        constantValue,
      ),
  }),
  lowering<TileAttrs>({
    kernel: 'Tile',
    inputs: ['x'],
    exact: true,
    infer: ([x], { reps }) => ({ shape: x.shape.map((size, i) => size * reps[i]), dtype: x.dtype }),
    emit: (graph, [x], { reps }, [{ shape }]) => {
      if (reps.every((count) => count === 1)) return x;
      // Repeating single elements is a broadcast, which ONNX Runtime does faster than Tile.
      const broadcast = reps.every((count, i) => count === 1 || x.shape[i] === 1);
      return graph.op(broadcast ? 'Expand' : 'Tile', [x, graph.ints(broadcast ? shape : reps)], shape);
    },
  }),
  lowering<ReverseAttrs>({
    kernel: 'Reverse',
    inputs: ['x'],
    exact: true,
    infer: ([x], { dims }) =>
      x.shape.length === 0 || util.parseAxisParam(dims, x.shape).length === 0
        ? ALIAS
        : { shape: x.shape, dtype: x.dtype },
    emit: (graph, [x], { dims }) => reverse(graph, x, util.parseAxisParam(dims, [...x.shape])),
  }),
  lowering<DepthToSpaceAttrs>({
    kernel: 'DepthToSpace',
    inputs: ['x'],
    exact: true,
    infer: ([x], { blockSize, dataFormat }) => {
      if (dataFormat !== 'NHWC') return null;
      const [batch, height, width, depth] = x.shape;
      return {
        shape: [batch, height * blockSize, width * blockSize, depth / blockSize ** 2],
        dtype: x.dtype,
      };
    },
    emit: (graph, [x], { blockSize }, [{ shape }]) => {
      const [batch, height, width] = x.shape;
      // [B, H, W, b b C] -> [B, H, W, b, b, C] -> [B, H, b, W, b, C] -> [B, H b, W b, C]
      const split = graph.reshape(x, [batch, height, width, blockSize, blockSize, shape[3]]);
      return graph.reshape(graph.transpose(split, [0, 1, 3, 2, 4, 5]), shape);
    },
  }),
];

/** Whether two tensors agree in dtype and in every extent, save along `axis`. */
function fitsBeside(a: TensorMeta, b: TensorMeta, axis?: number): boolean {
  if (a.dtype !== b.dtype || a.shape.length !== b.shape.length) return false;
  return a.shape.every((size, i) => i === axis || size === b.shape[i]);
}

function normalAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

export function concat(graph: GraphBuilder, inputs: readonly Value[], axis: number): Value {
  if (inputs.length === 1) return inputs[0];
  const shape = inputs[0].shape.map((size, i) =>
    i === axis ? inputs.reduce((total, input) => total + input.shape[axis], 0) : size,
  );
  return graph.op('Concat', inputs, shape, { attributes: { axis } });
}

/** Elements start (inclusive) to end (exclusive) of every axis. */
export function slice(
  graph: GraphBuilder,
  x: Value,
  start: readonly number[],
  end: readonly number[],
): Value {
  const axes = x.shape.map((_, i) => i).filter((i) => start[i] !== 0 || end[i] !== x.shape[i]);
  if (axes.length === 0) return x;
  const shape = x.shape.map((_, i) => end[i] - start[i]);
  const inputs = [
    x,
    graph.ints(axes.map((i) => start[i])),
    graph.ints(axes.map((i) => end[i])),
    graph.ints(axes),
  ];
  return graph.op('Slice', inputs, shape);
}

/** `size` elements of one axis from `start` on. */
export function sliceAxis(graph: GraphBuilder, x: Value, axis: number, start: number, size: number): Value {
  return slice(
    graph,
    x,
    x.shape.map((_, i) => (i === axis ? start : 0)),
    x.shape.map((extent, i) => (i === axis ? start + size : extent)),
  );
}

/** Pads every axis with a constant. */
export function pad(
  graph: GraphBuilder,
  x: Value,
  before: readonly number[],
  after: readonly number[],
  constant = 0,
): Value {
  if (before.every((count) => count === 0) && after.every((count) => count === 0)) return x;
  const shape = x.shape.map((size, i) => size + before[i] + after[i]);
  const fill = graph.scalar(constant, x.dtype === 'int32' ? 'int32' : 'float32');
  return graph.op('Pad', [x, graph.ints([...before, ...after]), fill], shape);
}

export function reverse(graph: GraphBuilder, x: Value, axes: readonly number[]): Value {
  const long = axes.filter((axis) => x.shape[axis] > 1);
  if (long.length === 0) return x;
  const inputs = [
    x,
    graph.ints(long.map(() => -1)),
    graph.ints(long.map(() => -(2 ** 31))),
    graph.ints(long),
    graph.ints(long.map(() => -1)),
  ];
  return graph.op('Slice', inputs, x.shape);
}
