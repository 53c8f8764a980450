import type {
  Conv2DAttrs,
  Conv2DBackpropFilterAttrs,
  Conv2DBackpropInputAttrs,
  FusedConv2DAttrs,
} from '@tensorflow/tfjs-core';

import type { GraphBuilder } from '../onnx/graph-builder.js';
import { sameShape, type Value } from '../onnx/value.js';
import { activate, isActivation } from './activation.js';
import {
  blockableAbove,
  blockedConvolution,
  blockedFilter,
  fromBlocked,
  isBlockable,
  toBlocked,
  unblockedInputFilter,
} from './blocked-layout.js';
import { convolutionOf, type Convolution } from './convolution.js';
import { allOf, lowering, type Lowering, type TensorMeta } from './lowering.js';
import { gemm } from './matmul.js';
import { concat, pad } from './shapes.js';
import { rows, transposedConvolution } from './transposed-convolution.js';

export const conv2d: readonly Lowering[] = [
  lowering<Conv2DAttrs>({
    kernel: 'Conv2D',
    inputs: ['x', 'filter'],
    infer: ([x, filter], attrs) => outputMeta(x, filter, attrs),
    emit: (graph, [x, filter], attrs) =>
      convolve(graph, x, filter, convolutionOf(x.shape, filter.shape, attrs)!),
  }),
  lowering<FusedConv2DAttrs>({
    kernel: 'FusedConv2D',
    inputs: ['x', 'filter', 'bias', 'preluActivationWeights'],
    infer: ([x, filter, bias, prelu], attrs) =>
      isActivation(attrs.activation) && allOf('float32', [bias, prelu]) ? outputMeta(x, filter, attrs) : null,
    emit: (graph, [x, filter, bias, prelu], attrs) => {
      let result = convolve(graph, x, filter, convolutionOf(x.shape, filter.shape, attrs)!);
      if (bias) result = graph.op('Add', [result, bias], result.shape);
      return activate(graph, result, attrs.activation, prelu, attrs.leakyreluAlpha);
    },
  }),
  lowering<Conv2DBackpropInputAttrs>({
    kernel: 'Conv2DBackpropInput',
    inputs: ['dy', 'filter'],
    infer: ([dy, filter], attrs) => {
      const convolution = convolutionOf(attrs.inputShape, filter.shape, { ...attrs, dilations: 1 });
      if (!convolution || !allOf('float32', [dy, filter]) || !matches(dy, convolution)) return null;
      return { shape: [...convolution.inputShape], dtype: 'float32' };
    },
    emit: (graph, [dy, filter], attrs) =>
      transposedConvolution(
        graph,
        dy,
        filter,
        convolutionOf(attrs.inputShape, filter.shape, { ...attrs, dilations: 1 })!,
      ),
  }),
  lowering<Conv2DBackpropFilterAttrs>({
    kernel: 'Conv2DBackpropFilter',
    inputs: ['x', 'dy'],
    infer: ([x, dy], attrs) => {
      const convolution = convolutionOf(x.shape, attrs.filterShape, { ...attrs, dilations: 1 });
      if (!convolution || !allOf('float32', [x, dy]) || !matches(dy, convolution)) return null;
      return { shape: attrs.filterShape, dtype: 'float32' };
    },
    emit: (graph, [x, dy], attrs, [{ shape }]) => {
      const convolution = convolutionOf(x.shape, attrs.filterShape, { ...attrs, dilations: 1 })!;
      // [N oh ow, kh kw I]^T [N oh ow, O] -> [kh kw I, O]
      return graph.reshape(
        gemm(graph, columns(graph, x, convolution), rows(graph, dy), { transposeA: true }),
        shape,
      );
    },
  }),
];

function outputMeta(
  x: TensorMeta,
  filter: TensorMeta,
  attrs: Conv2DAttrs | FusedConv2DAttrs,
): TensorMeta | null {
  const convolution = convolutionOf(x.shape, filter.shape, attrs);
  // Fewer filter channels than input channels is a grouped convolution, which TensorFlow.js refuses elsewhere.
  if (!convolution || !allOf('float32', [x, filter]) || filter.shape[2] !== x.shape[3]) return null;
  return { shape: [...convolution.outputShape], dtype: 'float32' };
}

function matches({ shape }: TensorMeta, { outputShape }: Convolution): boolean {
  return sameShape(shape, outputShape);
}

function convolve(graph: GraphBuilder, x: Value, filter: Value, convolution: Convolution): Value {
  const { outputShape, window } = convolution;
  const [batch, height, width, outputs] = outputShape;
  const inputs = x.shape[3];
  const isUnblockedInput = inputs < graph.channelBlock;
  if (!convolution.isPatchwise && (isUnblockedInput || isBlockable(graph, inputs))) {
    // Output channels of zeros fill the last block; `fromBlocked` cuts them off.
    const filled = blockableAbove(graph, outputs);
    const padded = pad(graph, filter, [0, 0, 0, 0], [0, 0, 0, filled - outputs]);
    const source = isUnblockedInput ? graph.transpose(x, [0, 3, 1, 2]) : toBlocked(graph, x);
    const weights = isUnblockedInput ? unblockedInputFilter(graph, padded) : blockedFilter(graph, padded);
    const shape = [batch, filled, height, width];
    return fromBlocked(graph, blockedConvolution(graph, source, weights, 1, window, shape), outputs);
  }
  const matrix = graph.reshape(filter, [filter.shape[0] * filter.shape[1] * inputs, outputs]);
  return graph.reshape(gemm(graph, columns(graph, x, convolution), matrix), outputShape);
}

/** The window under every output pixel as a row (im2col): [N, H, W, I] -> [N oh ow, kh kw I]. */
function columns(graph: GraphBuilder, x: Value, convolution: Convolution): Value {
  const { inputShape, outputShape, window } = convolution;
  const [batch, , , channels] = inputShape;
  const [, height, width] = outputShape;
  const [kernelHeight, kernelWidth] = window.kernel;
  const count = batch * height * width;
  if (convolution.isPatchwise)
    return graph.reshape(toPatches(graph, x, convolution), [count, kernelHeight * kernelWidth * channels]);
  const [top, left, bottom, right] = window.pads;
  const padded = pad(graph, x, [0, top, left, 0], [0, bottom, right, 0]);
  const views: Value[] = [];
  for (let i = 0; i < kernelHeight; i++) {
    for (let j = 0; j < kernelWidth; j++) {
      views.push(shiftedView(graph, padded, [i, j], convolution));
    }
  }
  return graph.reshape(concat(graph, views, 3), [count, kernelHeight * kernelWidth * channels]);
}

/** The pixels that kernel position (i, j) sees: [N, oh, ow, I]. */
function shiftedView(
  graph: GraphBuilder,
  padded: Value,
  position: readonly [number, number],
  convolution: Convolution,
): Value {
  const { outputShape, window } = convolution;
  const start = position.map((index, axis) => index * window.dilations[axis]);
  const end = start.map((first, axis) => first + (outputShape[1 + axis] - 1) * window.strides[axis] + 1);
  if (
    window.strides.every((stride) => stride === 1) &&
    start.every((s) => s === 0) &&
    end.every((e, i) => e === padded.shape[1 + i])
  ) {
    return padded;
  }
  const inputs = [padded, graph.ints(start), graph.ints(end), graph.ints([1, 2]), graph.ints(window.strides)];
  return graph.op('Slice', inputs, [padded.shape[0], outputShape[1], outputShape[2], padded.shape[3]]);
}

/** [N, oh kh, ow kw, I] -> [N, oh, kh, ow, kw, I] -> [N, oh, ow, kh, kw, I] */
function toPatches(graph: GraphBuilder, x: Value, { outputShape, window }: Convolution): Value {
  const [batch, height, width] = outputShape;
  const [kernelHeight, kernelWidth] = window.kernel;
  const split = graph.reshape(x, [batch, height, kernelHeight, width, kernelWidth, x.shape[3]]);
  return graph.transpose(split, [0, 1, 3, 2, 4, 5]);
}
