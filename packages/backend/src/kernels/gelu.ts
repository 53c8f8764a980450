import * as tf from '@tensorflow/tfjs-core';
import { GELU_KERNEL } from '@revat/core';

import { allOf, lowering } from '../lowerings/lowering.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import type { Value } from '../onnx/value.js';
import { FloatAttribute } from '../onnx/model-writer.js';
import { float32Output, float32Values } from './cpu-values.js';
import type { CustomKernel } from './custom-kernel.js';

const GELU_GRADIENT_KERNEL = 'GeluGradient';
const { ERF_P, ERF_A1, ERF_A2, ERF_A3, ERF_A4, ERF_A5 } = tf.backend_util;

/** x Phi(x), exact form (Hendrycks and Gimpel 2016, equation 1). */
export const gelu: CustomKernel = {
  lowering: lowering({
    kernel: GELU_KERNEL,
    inputs: ['x'],
    infer: ([x]) => (x.dtype === 'float32' ? { shape: x.shape, dtype: 'float32' } : null),
    emit: (graph, [x]) => graph.op('Mul', [x, normalCdfOp(graph, x).cdf], x.shape),
  }),
  cpuKernel: ({ inputs, backend }) => {
    const x = float32Values(backend, inputs.x!);
    return float32Output(
      backend,
      inputs.x!.shape,
      x.map((value) => value * normalCdf(value)),
    );
  },
  gradient: {
    kernelName: GELU_KERNEL,
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({ x: () => geluGradientOp(x, dy as tf.Tensor) }),
  },
};

/** dy (Phi(x) + x phi(x)), phi being the density of the standard normal distribution. */
export const geluGradient: CustomKernel = {
  lowering: lowering({
    kernel: GELU_GRADIENT_KERNEL,
    inputs: ['x', 'dy'],
    infer: ([x, dy]) => (allOf('float32', [x, dy]) ? { shape: x.shape, dtype: 'float32' } : null),
    // Few passes over memory, and in terms of what Gelu computes anyway: x phi(x) = t exp(-t^2) / sqrt(pi).
    emit: (graph, [x, dy]) => {
      const { t, cdf } = normalCdfOp(graph, x);
      const square = graph.op('Mul', [t, t], x.shape);
      const exponent = graph.op('Sub', [graph.scalar(-0.5 * Math.log(Math.PI)), square], x.shape);
      const density = graph.op('Exp', [exponent], x.shape);
      const slope = graph.op('Add', [cdf, graph.op('Mul', [t, density], x.shape)], x.shape);
      return graph.op('Mul', [dy, slope], x.shape);
    },
  }),
  cpuKernel: ({ inputs, backend }) => {
    const x = float32Values(backend, inputs.x!);
    const dy = float32Values(backend, inputs.dy!);
    const gradient = x.map((value, i) => dy[i] * (normalCdf(value) + value * normalDensity(value)));
    return float32Output(backend, inputs.x!.shape, gradient);
  },
  gradient: {
    kernelName: GELU_GRADIENT_KERNEL,
    inputsToSave: ['x', 'dy'],
    // d/dx (Phi + x phi) = phi (2 - x^2)
    gradFunc: (upstream, [x, dy]) => ({
      x: () => {
        const density = tf.exp(tf.sub(-0.5 * Math.log(2 * Math.PI), tf.mul(tf.square(x), 0.5)));
        return tf.mul(tf.mul(upstream as tf.Tensor, dy), tf.mul(density, tf.sub(2, tf.square(x))));
      },
      dy: () => geluGradientOp(x, upstream as tf.Tensor),
    }),
  },
};

/** t = x / sqrt(2) and Phi(x) = (1 + erf(t)) / 2; HardSigmoid scales and shifts in one pass. fuse-gelu.ts knows these nodes. */
function normalCdfOp(graph: GraphBuilder, x: Value): { t: Value; cdf: Value } {
  const t = graph.op('Mul', [x, graph.scalar(Math.SQRT1_2)], x.shape);
  const halves = { alpha: new FloatAttribute(0.5), beta: new FloatAttribute(0.5) };
  return {
    t,
    cdf: graph.op('HardSigmoid', [graph.op('Erf', [t], x.shape)], x.shape, { attributes: halves }),
  };
}

function geluGradientOp(x: tf.Tensor, dy: tf.Tensor): tf.Tensor {
  return tf.engine().runKernel(GELU_GRADIENT_KERNEL, { x, dy });
}

function normalCdf(x: number): number {
  return 0.5 * (1 + erf(x * Math.SQRT1_2));
}

function normalDensity(x: number): number {
  return Math.exp(-0.5 * x * x - 0.5 * Math.log(2 * Math.PI));
}

/** erf to 1.5e-7 (Abramowitz and Stegun, 7.1.26), with the coefficients that TensorFlow.js uses. */
function erf(x: number): number {
  const magnitude = Math.abs(x);
  const t = 1 / (1 + ERF_P * magnitude);
  const polynomial = ((((ERF_A5 * t + ERF_A4) * t + ERF_A3) * t + ERF_A2) * t + ERF_A1) * t;
  return Math.sign(x) * (1 - polynomial * Math.exp(-x * x));
}
