import * as tf from '@tensorflow/tfjs-core';
import { LAYER_NORM_KERNEL } from '@revat/core';

import { allOf, lowering, type TensorMeta } from '../lowerings/lowering.js';
import { reduce } from '../lowerings/reductions.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import type { Value } from '../onnx/value.js';
import { FloatAttribute } from '../onnx/model-writer.js';
import { float32Output, float32Values } from './cpu-values.js';
import type { CustomKernel } from './custom-kernel.js';

const INPUT_GRADIENT_KERNEL = 'LayerNormInputGradient';
const GAMMA_GRADIENT_KERNEL = 'LayerNormGammaGradient';

interface LayerNormAttrs {
  readonly epsilon: number;
}

/** gamma x^ + beta, x^ = (x - mean) / sqrt(variance + epsilon) over the last axis (Ba et al. 2016, equation 4). */
export const layerNorm: CustomKernel = {
  lowering: lowering<LayerNormAttrs>({
    kernel: LAYER_NORM_KERNEL,
    inputs: ['x', 'gamma', 'beta'],
    infer: (inputs) => likeX(inputs),
    emit: (graph, [x, gamma, beta], { epsilon }) =>
      graph.op('LayerNormalization', [x, gamma, beta], x.shape, { attributes: layerNormAttributes(epsilon) }),
  }),
  cpuKernel: ({ inputs, attrs, backend }) => {
    const gamma = float32Values(backend, inputs.gamma!);
    const beta = float32Values(backend, inputs.beta!);
    const x = float32Values(backend, inputs.x!);
    const result = new Float32Array(x.length);
    eachRow(x, gamma.length, attrs as unknown as LayerNormAttrs, (start, normalised) => {
      normalised.forEach((value, i) => (result[start + i] = gamma[i] * value + beta[i]));
    });
    return float32Output(backend, inputs.x!.shape, result);
  },
  gradient: {
    kernelName: LAYER_NORM_KERNEL,
    inputsToSave: ['x', 'gamma'],
    gradFunc: (dy, [x, gamma], attrs) => {
      const upstream = dy as tf.Tensor;
      const leadingAxes = x.shape.slice(0, -1).map((_, i) => i);
      return {
        x: () => tf.engine().runKernel<tf.Tensor>(INPUT_GRADIENT_KERNEL, { x, gamma, dy: upstream }, attrs),
        gamma: () => tf.engine().runKernel<tf.Tensor>(GAMMA_GRADIENT_KERNEL, { x, dy: upstream }, attrs),
        beta: () => tf.sum(upstream, leadingAxes),
      };
    },
  },
};

/** (g - mean(g) - x^ mean(g x^)) / sigma with g = dy gamma. */
export const layerNormInputGradient: CustomKernel = {
  lowering: lowering<LayerNormAttrs>({
    kernel: INPUT_GRADIENT_KERNEL,
    inputs: ['x', 'gamma', 'dy'],
    infer: (inputs) => likeX(inputs),
    emit: (graph, [x, gamma, dy], { epsilon }) => {
      const { normalised, inverseDeviation } = normalise(graph, x, epsilon);
      const last = x.shape.length - 1;
      const perRow = [...x.shape.slice(0, -1), 1];
      const scaled = graph.op('Mul', [dy, gamma], x.shape);
      const mean = reduce(graph, 'ReduceMean', scaled, [last], perRow);
      const products = graph.op('Mul', [scaled, normalised], x.shape);
      const slope = reduce(graph, 'ReduceMean', products, [last], perRow);
      const centred = graph.op('Sub', [scaled, mean], x.shape);
      const orthogonal = graph.op('Sub', [centred, graph.op('Mul', [normalised, slope], x.shape)], x.shape);
      return graph.op('Mul', [orthogonal, inverseDeviation], x.shape);
    },
  }),
  cpuKernel: ({ inputs, attrs, backend }) => {
    const gamma = float32Values(backend, inputs.gamma!);
    const dy = float32Values(backend, inputs.dy!);
    const x = float32Values(backend, inputs.x!);
    const result = new Float32Array(x.length);
    eachRow(x, gamma.length, attrs as unknown as LayerNormAttrs, (start, normalised, inverseDeviation) => {
      let mean = 0;
      let slope = 0;
      normalised.forEach((value, i) => {
        mean += (dy[start + i] * gamma[i]) / gamma.length;
        slope += (dy[start + i] * gamma[i] * value) / gamma.length;
      });
      normalised.forEach((value, i) => {
        result[start + i] = (dy[start + i] * gamma[i] - mean - value * slope) * inverseDeviation;
      });
    });
    return float32Output(backend, inputs.x!.shape, result);
  },
};

/** The sum over all rows of dy x^. */
export const layerNormGammaGradient: CustomKernel = {
  lowering: lowering<LayerNormAttrs>({
    kernel: GAMMA_GRADIENT_KERNEL,
    inputs: ['x', 'dy'],
    infer: ([x, dy]) => (allOf('float32', [x, dy]) ? { shape: x.shape.slice(-1), dtype: 'float32' } : null),
    emit: (graph, [x, dy], { epsilon }, [{ shape }]) => {
      const products = graph.op('Mul', [dy, normalise(graph, x, epsilon).normalised], x.shape);
      const leadingAxes = x.shape.slice(0, -1).map((_, i) => i);
      return leadingAxes.length === 0 ? products : reduce(graph, 'ReduceSum', products, leadingAxes, shape);
    },
  }),
  cpuKernel: ({ inputs, attrs, backend }) => {
    const width = inputs.x!.shape[inputs.x!.shape.length - 1];
    const dy = float32Values(backend, inputs.dy!);
    const totals = new Float64Array(width);
    eachRow(
      float32Values(backend, inputs.x!),
      width,
      attrs as unknown as LayerNormAttrs,
      (start, normalised) => {
        normalised.forEach((value, i) => (totals[i] += dy[start + i] * value));
      },
    );
    return float32Output(backend, [width], Float32Array.from(totals));
  },
};

function likeX(inputs: readonly TensorMeta[]): TensorMeta | null {
  const [x] = inputs;
  return allOf('float32', inputs) && x.shape.length > 0 ? { shape: x.shape, dtype: 'float32' } : null;
}

function layerNormAttributes(epsilon: number) {
  return { axis: -1, epsilon: new FloatAttribute(epsilon) };
}

/** x^ and 1 / sigma, the latter of shape [..., 1]. */
function normalise(
  graph: GraphBuilder,
  x: Value,
  epsilon: number,
): { normalised: Value; inverseDeviation: Value } {
  const perRow = { dtype: 'float32' as const, shape: [...x.shape.slice(0, -1), 1] };
  const unit = graph.ones(x.shape[x.shape.length - 1]);
  const outputs = [{ dtype: 'float32' as const, shape: x.shape }, perRow, perRow];
  const [normalised, , inverseDeviation] = graph.node(
    'LayerNormalization',
    [x, unit],
    outputs,
    layerNormAttributes(epsilon),
  );
  return { normalised, inverseDeviation };
}

/** Calls `visit` with the normalised values of each row of `width` elements. */
function eachRow(
  x: Float32Array,
  width: number,
  { epsilon }: LayerNormAttrs,
  visit: (start: number, normalised: Float64Array, inverseDeviation: number) => void,
): void {
  const normalised = new Float64Array(width);
  for (let start = 0; start < x.length; start += width) {
    let mean = 0;
    for (let i = 0; i < width; i++) mean += x[start + i] / width;
    let variance = 0;
    for (let i = 0; i < width; i++) variance += (x[start + i] - mean) ** 2 / width;
    const inverseDeviation = 1 / Math.sqrt(variance + epsilon);
    for (let i = 0; i < width; i++) normalised[i] = (x[start + i] - mean) * inverseDeviation;
    visit(start, normalised, inverseDeviation);
  }
}
