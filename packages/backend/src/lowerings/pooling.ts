import type { AvgPoolAttrs, AvgPoolGradAttrs, MaxPoolAttrs, MaxPoolGradAttrs } from '@tensorflow/tfjs-core';

import type { GraphBuilder } from '../onnx/graph-builder.js';
import { BLOCKED_DOMAIN } from '../onnx/model-writer.js';
import { sameShape, sizeOf, type Value } from '../onnx/value.js';
import { fromBlocked, isBlockable, toBlocked } from './blocked-layout.js';
import { convolutionOf, isTurnable, type Convolution } from './convolution.js';
import { depthwiseInputGradient } from './depthwise-conv2d.js';
import { filled } from './elementwise-unary.js';
import { ALIAS, allOf, lowering, type Inferred, type Lowering, type TensorMeta } from './lowering.js';
import { withoutNaN } from './reductions.js';

export const pooling: readonly Lowering[] = [
  lowering<MaxPoolAttrs>({
    kernel: 'MaxPool',
    inputs: ['x'],
    exact: true,
    infer: ([x], attrs) => pooledMeta(x, attrs),
    // NaN is skipped, as by the CPU kernel.
    emit: (graph, [x], attrs) =>
      pool(graph, 'MaxPool', withoutNaN(graph, x, -Infinity), geometry(x.shape, attrs)!),
  }),
  lowering<MaxPoolGradAttrs>({
    kernel: 'MaxPoolGrad',
    inputs: ['dy', 'input', 'output'],
    infer: ([dy, input], attrs) => inputMeta(dy, input, attrs),
    emit: (graph, [dy, input], attrs) => maxPoolGradient(graph, dy, input, geometry(input.shape, attrs)!),
  }),
  lowering<AvgPoolAttrs>({
    kernel: 'AvgPool',
    inputs: ['x'],
    infer: ([x], attrs) => pooledMeta(x, attrs),
    emit: (graph, [x], attrs) => pool(graph, 'AveragePool', x, geometry(x.shape, attrs)!),
  }),
  lowering<AvgPoolGradAttrs>({
    kernel: 'AvgPoolGrad',
    inputs: ['dy', 'input'],
    infer: ([dy, input], attrs) => inputMeta(dy, input, attrs),
    emit: (graph, [dy, input], attrs) => averagePoolGradient(graph, dy, geometry(input.shape, attrs)!),
  }),
];

type PoolAttrs = MaxPoolAttrs | AvgPoolAttrs | MaxPoolGradAttrs | AvgPoolGradAttrs;

/** A pooling window is a convolution with one filter a channel. */
function geometry(inputShape: readonly number[], { filterSize, ...attrs }: PoolAttrs): Convolution | null {
  const [height, width] = typeof filterSize === 'number' ? [filterSize, filterSize] : filterSize;
  return convolutionOf(inputShape, [height, width, inputShape[3], 1], attrs, { depthwise: true });
}

function pooledMeta(x: TensorMeta, attrs: PoolAttrs): Inferred {
  const pooling = x.shape.length === 4 && x.dtype === 'float32' ? geometry(x.shape, attrs) : null;
  if (!pooling || !isTurnable(pooling)) return null;
  // The CPU kernel returns its input where the window is a single pixel.
  if (sizeOf(pooling.window.kernel) === 1 && sameShape(pooling.outputShape, x.shape)) return ALIAS;
  return { shape: [...pooling.outputShape], dtype: 'float32' };
}

function inputMeta(dy: TensorMeta, input: TensorMeta, attrs: PoolAttrs): Inferred {
  const pooling = allOf('float32', [dy, input]) ? geometry(input.shape, attrs) : null;
  if (!pooling || !isTurnable(pooling) || !sameShape(dy.shape, pooling.outputShape)) return null;
  return { shape: input.shape, dtype: 'float32' };
}

function pool(graph: GraphBuilder, type: string, x: Value, { outputShape, window }: Convolution): Value {
  const [batch, height, width, channels] = outputShape;
  const shape = [batch, channels, height, width];
  const attributes = { kernel_shape: window.kernel, strides: window.strides, pads: window.pads };
  if (type === 'MaxPool' && isBlockable(graph, channels)) {
    const blocked = graph.op(type, [toBlocked(graph, x)], shape, { attributes, domain: BLOCKED_DOMAIN });
    return fromBlocked(graph, blocked);
  }
  const planes = graph.op(type, [graph.transpose(x, [0, 3, 1, 2])], shape, { attributes });
  return graph.transpose(planes, [0, 2, 3, 1]);
}

/** Sends every gradient to the first largest pixel of its window. */
function maxPoolGradient(
  graph: GraphBuilder,
  dy: Value,
  input: Value,
  { outputShape, window }: Convolution,
): Value {
  const [batch, height, width, channels] = outputShape;
  const planes = graph.transpose(withoutNaN(graph, input, -Infinity), [0, 3, 1, 2]);
  const shape = [batch, channels, height, width];
  const [, positions] = graph.node(
    'MaxPool',
    [planes],
    [
      { dtype: 'float32', shape },
      { dtype: 'int64', shape },
    ],
    { kernel_shape: window.kernel, strides: window.strides, pads: window.pads },
  );
  const zeros = filled(graph, [sizeOf(planes.shape)], 0, 'float32');
  const indices = graph.reshape(positions, [sizeOf(shape)]);
  const updates = graph.reshape(graph.transpose(dy, [0, 3, 1, 2]), [sizeOf(shape)]);
  const gradient = graph.op('ScatterElements', [zeros, indices, updates], zeros.shape, {
    attributes: { axis: 0, reduction: 'add' },
  });
  return graph.transpose(graph.reshape(gradient, planes.shape), [0, 2, 3, 1]);
}

/** As the CPU kernel, divides by the size of the window also where it reaches into the padding. */
function averagePoolGradient(graph: GraphBuilder, dy: Value, pooling: Convolution): Value {
  const [kernelHeight, kernelWidth] = pooling.window.kernel;
  const share = 1 / (kernelHeight * kernelWidth);
  if (pooling.isPatchwise) {
    const [batch, height, width, channels] = pooling.outputShape;
    const shares = graph.op('Mul', [dy, graph.scalar(share)], dy.shape);
    const cells = graph.reshape(shares, [batch, height, 1, width, 1, channels]);
    const patches = [batch, height, kernelHeight, width, kernelWidth, channels];
    return graph.reshape(graph.op('Expand', [cells, graph.ints(patches)], patches), pooling.inputShape);
  }
  const filter = filled(graph, [kernelHeight, kernelWidth, pooling.inputShape[3], 1], share, 'float32');
  return depthwiseInputGradient(graph, dy, filter, pooling);
}
