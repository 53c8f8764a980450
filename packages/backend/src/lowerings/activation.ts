import type { GraphBuilder } from '../onnx/graph-builder.js';
import type { Value } from '../onnx/value.js';
import { FloatAttribute } from '../onnx/model-writer.js';
import { elu } from './elementwise-unary.js';

const ACTIVATIONS = ['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'prelu', 'leakyrelu'];

/** Whether a fused kernel's activation is one that `activate` knows. */
export function isActivation(name: string | null | undefined): boolean {
  return !name || ACTIVATIONS.includes(name);
}

/** The activation of a fused kernel, applied to its result. */
export function activate(
  graph: GraphBuilder,
  x: Value,
  name: string | null | undefined,
  preluWeights: Value | undefined,
  leakyReluAlpha = 0,
): Value {
  switch (name) {
    case 'relu':
      return graph.op('Relu', [x], x.shape);
    case 'relu6':
      return graph.op('Clip', [x, graph.scalar(0), graph.scalar(6)], x.shape);
    case 'elu':
      return elu(graph, x);
    case 'sigmoid':
      return graph.op('Sigmoid', [x], x.shape);
    case 'leakyrelu':
      return graph.op('LeakyRelu', [x], x.shape, {
        attributes: { alpha: new FloatAttribute(leakyReluAlpha) },
      });
    case 'prelu': {
      const negative = graph.op('Less', [x, graph.scalar(0)], x.shape, { dtype: 'bool' });
      return graph.op('Where', [negative, graph.op('Mul', [x, preluWeights!], x.shape), x], x.shape, {
        dtype: 'float32',
      });
    }
    default:
      return x;
  }
}
