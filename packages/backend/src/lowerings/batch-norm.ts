import type { FusedBatchNormAttrs } from '@tensorflow/tfjs-core';

import type { GraphBuilder } from '../onnx/graph-builder.js';
import { sameShape, type Value } from '../onnx/value.js';
import { allOf, lowering, type Lowering, type TensorMeta } from './lowering.js';

export const batchNorm: readonly Lowering[] = [
  lowering<FusedBatchNormAttrs>({
    kernel: 'FusedBatchNorm',
    inputs: ['x', 'mean', 'variance', 'offset', 'scale'],
    infer: ([x, ...statistics]) => {
      const isPerChannel = statistics.every((statistic) => statistic === undefined || applies(statistic, x));
      return isPerChannel && allOf('float32', [x, ...statistics])
        ? { shape: x.shape, dtype: 'float32' }
        : null;
    },
    // (x - mean) scale / sqrt(variance + epsilon) + offset
    emit: (graph, [x, mean, variance, offset, scale], { varianceEpsilon }) => {
      const shifted = graph.op('Add', [variance, graph.scalar(varianceEpsilon)], variance.shape);
      const deviation = graph.op('Sqrt', [shifted], variance.shape);
      const factor = divided(graph, scale, deviation);
      const normalised = graph.op('Mul', [graph.op('Sub', [x, mean], x.shape), factor], x.shape);
      return offset ? graph.op('Add', [normalised, offset], x.shape) : normalised;
    },
  }),
];

/** One value a channel, or one an element. */
function applies({ shape }: TensorMeta, x: TensorMeta): boolean {
  return sameShape(shape, x.shape) || (shape.length === 1 && shape[0] === x.shape[x.shape.length - 1]);
}

function divided(graph: GraphBuilder, scale: Value | undefined, deviation: Value): Value {
  const numerator = scale ?? graph.scalar(1);
  const shape = numerator.shape.length > deviation.shape.length ? numerator.shape : deviation.shape;
  return graph.op('Div', [numerator, deviation], shape);
}
