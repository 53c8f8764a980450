import type {
  DepthwiseConv2dNativeAttrs,
  DepthwiseConv2dNativeBackpropFilterAttrs,
  DepthwiseConv2dNativeBackpropInputAttrs,
  FusedDepthwiseConv2DAttrs,
} from '@tensorflow/tfjs-core';

import type { GraphBuilder } from '../onnx/graph-builder.js';
import { sameShape, type Value } from '../onnx/value.js';
import { activate, isActivation } from './activation.js';
import {
  blockableAbove,
  blockedConvolution,
  blockedDepthwiseFilter,
  fromBlocked,
  isBlockable,
  isFillable,
  toBlocked,
  type Window,
} from './blocked-layout.js';
import { convolutionOf, dilatedExtent, isTurnable, type Convolution } from './convolution.js';
import { allOf, lowering, type Lowering, type TensorMeta } from './lowering.js';
import { reduce } from './reductions.js';
import { pad, reverse, slice } from './shapes.js';

const DEPTHWISE = { depthwise: true };

export const depthwiseConv2d: readonly Lowering[] = [
  lowering<DepthwiseConv2dNativeAttrs>({
    kernel: 'DepthwiseConv2dNative',
    inputs: ['x', 'filter'],
    infer: ([x, filter], attrs) => outputMeta(x, filter, attrs),
    emit: (graph, [x, filter], attrs) =>
      convolve(graph, x, filter, convolutionOf(x.shape, filter.shape, attrs, DEPTHWISE)!),
  }),
  lowering<FusedDepthwiseConv2DAttrs>({
    kernel: 'FusedDepthwiseConv2D',
    inputs: ['x', 'filter', 'bias', 'preluActivationWeights'],
    infer: ([x, filter, bias, prelu], attrs) =>
      isActivation(attrs.activation) && allOf('float32', [bias, prelu]) ? outputMeta(x, filter, attrs) : null,
    emit: (graph, [x, filter, bias, prelu], attrs) => {
      let result = convolve(graph, x, filter, convolutionOf(x.shape, filter.shape, attrs, DEPTHWISE)!);
      if (bias) result = graph.op('Add', [result, bias], result.shape);
      return activate(graph, result, attrs.activation, prelu, attrs.leakyreluAlpha);
    },
  }),
  lowering<DepthwiseConv2dNativeBackpropInputAttrs>({
    kernel: 'DepthwiseConv2dNativeBackpropInput',
    inputs: ['dy', 'filter'],
    infer: ([dy, filter], attrs) => {
      const convolution = gradientGeometry(attrs.inputShape, filter.shape, attrs, dy);
      if (!convolution || !allOf('float32', [dy, filter]) || !isTurnable(convolution)) return null;
      return { shape: [...convolution.inputShape], dtype: 'float32' };
    },
    emit: (graph, [dy, filter], attrs) =>
      depthwiseInputGradient(
        graph,
        dy,
        filter,
        convolutionOf(attrs.inputShape, filter.shape, attrs, DEPTHWISE)!,
      ),
  }),
  lowering<DepthwiseConv2dNativeBackpropFilterAttrs>({
    kernel: 'DepthwiseConv2dNativeBackpropFilter',
    inputs: ['x', 'dy'],
    infer: ([x, dy], attrs) => {
      const convolution = gradientGeometry(x.shape, attrs.filterShape, attrs, dy);
      if (!convolution || !allOf('float32', [x, dy])) return null;
      return { shape: attrs.filterShape, dtype: 'float32' };
    },
    emit: (graph, [x, dy], attrs) =>
      filterGradient(graph, x, dy, convolutionOf(x.shape, attrs.filterShape, attrs, DEPTHWISE)!),
  }),
];

type DepthwiseAttrs = DepthwiseConv2dNativeAttrs | FusedDepthwiseConv2DAttrs;

/** One filter a channel only; a multiplier above 1 is left to the CPU kernel. */
function outputMeta(x: TensorMeta, filter: TensorMeta, attrs: DepthwiseAttrs): TensorMeta | null {
  const convolution = convolutionOf(x.shape, filter.shape, attrs, DEPTHWISE);
  if (!convolution || !allOf('float32', [x, filter]) || filter.shape[3] !== 1) return null;
  return { shape: [...convolution.outputShape], dtype: 'float32' };
}

function gradientGeometry(
  inputShape: readonly number[],
  filterShape: readonly number[],
  attrs: DepthwiseConv2dNativeBackpropInputAttrs | DepthwiseConv2dNativeBackpropFilterAttrs,
  dy: TensorMeta,
): Convolution | null {
  const convolution = convolutionOf(inputShape, filterShape, attrs, DEPTHWISE);
  if (!convolution || filterShape[3] !== 1 || !sameShape(dy.shape, convolution.outputShape)) return null;
  return convolution;
}

function convolve(graph: GraphBuilder, x: Value, filter: Value, { outputShape, window }: Convolution): Value {
  return depthwise(graph, x, graph.reshape(filter, filter.shape.slice(0, 3)), window, outputShape);
}

/** x [N, H, W, C] with filter [kh, kw, C], blocked where the channels allow it. */
function depthwise(
  graph: GraphBuilder,
  x: Value,
  filter: Value,
  window: Window,
  outputShape: readonly number[],
): Value {
  const [batch, height, width, channels] = outputShape;
  if (isFillable(graph, channels)) {
    const filled = blockableAbove(graph, channels);
    const weights = blockedDepthwiseFilter(graph, pad(graph, filter, [0, 0, 0], [0, 0, filled - channels]));
    const shape = [batch, filled, height, width];
    const blocked = blockedConvolution(graph, toBlocked(graph, x), weights, filled, window, shape);
    return fromBlocked(graph, blocked, channels);
  }
  const planesShape = [batch, channels, height, width];
  const weights = graph.reshape(graph.transpose(filter, [2, 0, 1]), [channels, 1, ...window.kernel]);
  const planes = graph.op('Conv', [graph.transpose(x, [0, 3, 1, 2]), weights], planesShape, {
    attributes: {
      kernel_shape: window.kernel,
      strides: window.strides,
      dilations: window.dilations,
      pads: window.pads,
      group: channels,
    },
  });
  return graph.transpose(planes, [0, 2, 3, 1]);
}

/** The same convolution with the filter turned by 180 degrees; for strides above 1 of the gradient spread out with zeros. */
export function depthwiseInputGradient(
  graph: GraphBuilder,
  dy: Value,
  filter: Value,
  convolution: Convolution,
): Value {
  const { inputShape, window } = convolution;
  const turned = reverse(graph, graph.reshape(filter, filter.shape.slice(0, 3)), [0, 1]);
  const [top, left] = window.pads;
  const spread = spreadOut(graph, dy, window.strides);
  const before = [dilatedExtent(window, 0) - 1 - top, dilatedExtent(window, 1) - 1 - left];
  const after = [0, 1].map(
    (i) => inputShape[1 + i] + dilatedExtent(window, i) - 1 - before[i] - spread.shape[1 + i],
  );
  const transposed: Window = { ...window, strides: [1, 1], pads: [before[0], before[1], after[0], after[1]] };
  return depthwise(graph, spread, turned, transposed, inputShape);
}

/** Zeros between the pixels: [N, h, w, C] -> [N, (h - 1) s + 1, (w - 1) s + 1, C]. */
function spreadOut(graph: GraphBuilder, x: Value, [down, right]: readonly [number, number]): Value {
  if (down === 1 && right === 1) return x;
  const [batch, height, width, channels] = x.shape;
  const cells = graph.reshape(x, [batch, height, 1, width, 1, channels]);
  const padded = pad(graph, cells, [0, 0, 0, 0, 0, 0], [0, 0, down - 1, 0, right - 1, 0]);
  const spread = graph.reshape(padded, [batch, height * down, width * right, channels]);
  return slice(
    graph,
    spread,
    [0, 0, 0, 0],
    [batch, (height - 1) * down + 1, (width - 1) * right + 1, channels],
  );
}

/**
 * The gradient of the filter, one channel of one image at a time: image plane n, c convolved with its output gradient as
 * the kernel (strides and dilations change places). The gradient in blocked layout is, in memory, the blocked depthwise
 * filter of N C channels. Summed over the images at the end.
 */
function filterGradient(graph: GraphBuilder, x: Value, dy: Value, convolution: Convolution): Value {
  const { outputShape, window } = convolution;
  const [batch, height, width, channels] = outputShape;
  const [kernelHeight, kernelWidth] = window.kernel;
  const [top, left] = window.pads;
  const planes = batch * channels;
  const extent = [0, 1].map(
    (i) => (window.kernel[i] - 1) * window.dilations[i] + (outputShape[1 + i] - 1) * window.strides[i] + 1,
  );
  const swapped: Window = {
    kernel: [height, width],
    strides: window.dilations,
    dilations: window.strides,
    pads: [top, left, extent[0] - top - x.shape[1], extent[1] - left - x.shape[2]],
  };
  const [cropped, pads] = cropNegativePads(graph, x, swapped.pads);
  const shape = [1, planes, kernelHeight, kernelWidth];
  let gradient: Value;
  if (isBlockable(graph, channels)) {
    const image = graph.reshape(toBlocked(graph, cropped), [1, planes, cropped.shape[1], cropped.shape[2]]);
    const kernel = graph.reshape(toBlocked(graph, dy), [planes, 1, height, width]);
    const blocked = blockedConvolution(graph, image, kernel, planes, { ...swapped, pads }, shape);
    // [1, kh, kw, N C] -> [kh, kw, N, C]
    gradient = graph.reshape(fromBlocked(graph, blocked), [kernelHeight, kernelWidth, batch, channels]);
  } else {
    const image = graph.reshape(graph.transpose(cropped, [0, 3, 1, 2]), [
      1,
      planes,
      cropped.shape[1],
      cropped.shape[2],
    ]);
    const kernel = graph.reshape(graph.transpose(dy, [0, 3, 1, 2]), [planes, 1, height, width]);
    const plain = graph.op('Conv', [image, kernel], shape, {
      attributes: {
        kernel_shape: swapped.kernel,
        strides: swapped.strides,
        dilations: swapped.dilations,
        pads,
        group: planes,
      },
    });
    // [N C, kh, kw] -> [kh, kw, N C] -> [kh, kw, N, C]
    const turned = graph.transpose(graph.reshape(plain, [planes, kernelHeight, kernelWidth]), [1, 2, 0]);
    gradient = graph.reshape(turned, [kernelHeight, kernelWidth, batch, channels]);
  }
  return reduce(graph, 'ReduceSum', gradient, [2], [kernelHeight, kernelWidth, channels, 1]);
}

type Pads = readonly [number, number, number, number];

/** Rows and columns that no window reached are cut off; ONNX has no negative padding. */
function cropNegativePads(graph: GraphBuilder, x: Value, pads: Pads): [Value, Pads] {
  const [top, left, bottom, right] = pads;
  const [batch, height, width, channels] = x.shape;
  const end = [batch, height + Math.min(bottom, 0), width + Math.min(right, 0), channels];
  return [slice(graph, x, [0, 0, 0, 0], end), [top, left, Math.max(bottom, 0), Math.max(right, 0)]];
}
