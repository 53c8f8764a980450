import type { EngineModel, ValueInfo } from '../runtime/session-runtime.js';
import type { GraphBuilder } from './graph-builder.js';
import type { Value } from './value.js';

/** The finished model of a graph, as a runtime takes it. */
export function engineModel(graph: GraphBuilder): EngineModel {
  const { bytes, constants, inputs, outputs } = graph.build();
  return {
    bytes,
    constants: constants.map(({ value, data }) => ({
      path: value.name,
      data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    })),
    inputs: inputs.map(valueInfo),
    outputs: outputs.map(valueInfo),
  };
}

function valueInfo({ name, dtype, shape }: Value): ValueInfo {
  if (dtype === 'int64' || dtype === 'float64')
    throw new Error(`${name}: ${dtype} values cannot cross the border of a model.`);
  return { name, dtype, shape };
}
