import {
  backend_util,
  slice_util,
  type BatchToSpaceNDAttrs,
  type MirrorPadAttrs,
  type SpaceToBatchNDAttrs,
  type StridedSliceAttrs,
} from '@tensorflow/tfjs-core';

import type { Value } from '../onnx/value.js';
import { ALIAS, lowering, type Lowering } from './lowering.js';
import { pad, slice } from './shapes.js';

/** The end of a slice that runs backwards to the first element. */
const BEFORE_FIRST = -(2 ** 31);

export const rearrangements: readonly Lowering[] = [
  lowering<StridedSliceAttrs>({
    kernel: 'StridedSlice',
    inputs: ['x'],
    exact: true,
    infer: ([x], attrs) => {
      const { finalShape, isIdentity } = stridedSlice(x.shape, attrs);
      return isIdentity ? ALIAS : { shape: finalShape, dtype: x.dtype };
    },
    emit: (graph, [x], attrs) => {
      const { finalShape, begin, end, strides } = stridedSlice(x.shape, attrs);
      // With the axes of one element that the final shape leaves out.
      const sliced = begin.map((first, i) => Math.ceil((end[i] - first) / strides[i]));
      const ends = sliced.map((count, i) => {
        const last = begin[i] + (count - 1) * strides[i] + Math.sign(strides[i]);
        return last < 0 ? BEFORE_FIRST : last;
      });
      const inputs = [
        x,
        graph.ints(begin),
        graph.ints(ends),
        graph.ints(begin.map((_, i) => i)),
        graph.ints(strides),
      ];
      return graph.reshape(graph.op('Slice', inputs, sliced), finalShape);
    },
  }),
  lowering<MirrorPadAttrs>({
    kernel: 'MirrorPad',
    inputs: ['x'],
    exact: true,
    infer: ([x], { paddings }) => ({
      shape: x.shape.map((size, i) => size + paddings[i][0] + paddings[i][1]),
      dtype: x.dtype,
    }),
    // One Gather an axis: ONNX has no symmetric padding.
    emit: (graph, [x], { paddings, mode }, [{ shape }]) =>
      paddings.reduce((padded: Value, [before], axis) => {
        if (padded.shape[axis] === shape[axis]) return padded;
        const sources = Array.from({ length: shape[axis] }, (_, i) =>
          mirrored(i - before, x.shape[axis], mode),
        );
        const next = padded.shape.map((size, i) => (i === axis ? shape[axis] : size));
        return graph.op('Gather', [padded, graph.ints(sources)], next, { attributes: { axis } });
      }, x),
  }),
  lowering<SpaceToBatchNDAttrs>({
    kernel: 'SpaceToBatchND',
    inputs: ['x'],
    exact: true,
    infer: ([x], { blockShape, paddings }) => {
      const padded = x.shape.map((size, i) => size + (i === 0 ? 0 : sum(paddings[i - 1] ?? [0, 0])));
      return { shape: spaceToBatchSteps(padded, blockShape).flattened, dtype: x.dtype };
    },
    emit: (graph, [x], { blockShape, paddings }, [{ shape }]) => {
      const margins = x.shape.map((_, i) => (i === 0 ? [0, 0] : (paddings[i - 1] ?? [0, 0])));
      const before = margins.map(([count]) => count);
      const padded = pad(
        graph,
        x,
        before,
        margins.map(([, count]) => count),
      );
      const { split, perm } = spaceToBatchSteps([...padded.shape], blockShape);
      return graph.reshape(graph.transpose(graph.reshape(padded, split), perm), shape);
    },
  }),
  lowering<BatchToSpaceNDAttrs>({
    kernel: 'BatchToSpaceND',
    inputs: ['x'],
    exact: true,
    infer: ([x], { blockShape, crops }) => {
      const { size } = batchToSpaceSteps(x.shape, blockShape, crops);
      return { shape: size, dtype: x.dtype };
    },
    emit: (graph, [x], { blockShape, crops }) => {
      const { split, perm, merged, start, size } = batchToSpaceSteps([...x.shape], blockShape, crops);
      const whole = graph.reshape(graph.transpose(graph.reshape(x, split), perm), merged);
      const end = start.map((first, i) => first + size[i]);
      return slice(graph, whole, start, end);
    },
  }),
];

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function stridedSlice(shape: readonly number[], attrs: StridedSliceAttrs) {
  const { begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } = attrs;
  const masks = [beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask] as const;
  return slice_util.sliceInfo([...shape], begin, end, strides, ...masks);
}

/** Where a padded position looks: 'reflect' does not repeat the border, 'symmetric' does. */
function mirrored(position: number, size: number, mode: MirrorPadAttrs['mode']): number {
  const offset = mode === 'reflect' ? 0 : 1;
  if (position < 0) return -position - offset;
  return position >= size ? 2 * size - 2 - position + offset : position;
}

function spaceToBatchSteps(padded: number[], blockShape: number[]) {
  const block = blockShape.reduce((product, size) => product * size, 1);
  const split = backend_util.getReshaped(padded, blockShape, block, false);
  const perm = backend_util.getPermuted(split.length, blockShape.length, false);
  return { split, perm, flattened: backend_util.getReshapedPermuted(padded, blockShape, block, false) };
}

function batchToSpaceSteps(shape: number[], blockShape: number[], crops: number[][]) {
  const block = blockShape.reduce((product, size) => product * size, 1);
  const split = backend_util.getReshaped(shape, blockShape, block);
  const perm = backend_util.getPermuted(split.length, blockShape.length);
  const merged = backend_util.getReshapedPermuted(shape, blockShape, block);
  // Both cover the cropped axes only; those after them stay whole.
  const begin = backend_util.getSliceBeginCoords(crops, blockShape.length);
  const kept = backend_util.getSliceSize(merged, crops, blockShape.length);
  const start = merged.map((_, i) => begin[i] ?? 0);
  const size = merged.map((extent, i) => kept[i] ?? extent);
  return { split, perm, merged, start, size };
}
