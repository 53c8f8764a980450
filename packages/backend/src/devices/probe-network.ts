import { FloatAttribute } from '../onnx/model-writer.js';
import { GraphBuilder } from '../onnx/graph-builder.js';
import type { Value } from '../onnx/value.js';
import { engineModel } from '../onnx/engine-model.js';
import type { EngineArray, EngineModel } from '../runtime/session-runtime.js';

const SIZE = 12;
const CHANNELS = 16;
const CLASSES = 10;

/**
 * A small network with the operators that image models live on: convolution (dense and depthwise), layer
 * normalisation, error function, softmax, matrix multiplication, reduction. Run on two devices it tells whether they agree.
 */
export function probeNetwork(): EngineModel {
  const graph = new GraphBuilder();
  const image = graph.input('float32', [1, 3, SIZE, SIZE]);
  const stem = convolve(graph, image, graph.input('float32', [CHANNELS, 3, 3, 3]), 1);
  const mixed = convolve(graph, stem, graph.input('float32', [CHANNELS, 1, 3, 3]), CHANNELS);
  const rows = graph.reshape(mixed, [CHANNELS, SIZE * SIZE]);
  const scale = graph.input('float32', [SIZE * SIZE]);
  const shift = graph.input('float32', [SIZE * SIZE]);
  const normalised = graph.op('LayerNormalization', [rows, scale, shift], rows.shape, {
    attributes: { axis: -1, epsilon: new FloatAttribute(1e-6) },
  });
  const activated = graph.op('Mul', [normalised, graph.op('Erf', [normalised], rows.shape)], rows.shape);
  const weights = graph.input('float32', [SIZE * SIZE, CLASSES]);
  const logits = graph.op('MatMul', [activated, weights], [CHANNELS, CLASSES]);
  const probabilities = graph.op('Softmax', [logits], logits.shape, { attributes: { axis: -1 } });
  graph.output(
    graph.op('ReduceMean', [probabilities, graph.ints([0])], [CLASSES], { attributes: { keepdims: 0 } }),
  );
  return engineModel(graph);
}

function convolve(graph: GraphBuilder, image: Value, weights: Value, group: number): Value {
  return graph.op('Conv', [image, weights], [1, CHANNELS, SIZE, SIZE], {
    attributes: { group, pads: [1, 1, 1, 1] },
  });
}

/** Fixed inputs of the network: smooth waves, so that every run and device gets the same numbers. */
export function probeInputs({ inputs }: EngineModel): EngineArray[] {
  return inputs.map(({ shape }, input) => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    return Float32Array.from({ length: size }, (_, i) => Math.sin(1 + input + i * 0.7));
  });
}

/** The largest difference between two results, relative to the largest value of the first; NaN counts as infinite. */
export function relativeError(expected: EngineArray, actual: EngineArray): number {
  let scale = 0;
  let difference = 0;
  expected.forEach((value, i) => {
    scale = Math.max(scale, Math.abs(value));
    const distance = Math.abs(value - actual[i]);
    difference = Math.max(difference, Number.isNaN(distance) ? Infinity : distance);
  });
  return difference / scale;
}
