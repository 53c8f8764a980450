/** Writes a model's weights as safetensors under timm's names and in PyTorch's layouts. */
import type { ParameterSpec } from '@revat/stems';
import type { Variable } from '@tensorflow/tfjs-core';
import type { Model } from '../model.js';
import { describeModel } from './model-description.js';
import { encodeSafetensors, writeSafetensors, type WritableTensor } from './write-safetensors.js';
import { toTorch } from './torch-layout.js';

/**
 * Writes all parameters and buffers, one after the other, to a safetensors file that timm's and torch's
 * `load_state_dict` take as it is. The configuration goes into the metadata, so that `loadModel` can rebuild the model.
 * The file appears whole or not at all.
 *
 * @throws RevatError 'io' where the file cannot be written; 'unavailable' in browsers, see `encodeWeights`
 */
export async function saveWeights(model: Model, path: string): Promise<void> {
  await writeSafetensors(path, exportTensors(model), metadataOf(model));
}

/** The same file as a Blob, for browsers. */
export async function encodeWeights(model: Model): Promise<Blob> {
  return encodeSafetensors(exportTensors(model), metadataOf(model));
}

/** A model's tensors in PyTorch layout, fetched from the backend when their turn comes. */
export function exportTensors(model: Model): Map<string, WritableTensor> {
  const variables = new Map([...model.parameters(), ...model.buffers()]);
  return new Map(
    model.specs.map((spec) => [
      spec.name,
      {
        dtype: spec.torchDtype === 'int64' ? 'I64' : 'F32',
        shape: spec.torchShape,
        data: () => exportValues(spec, variables.get(spec.name) as Variable),
      },
    ]),
  );
}

async function exportValues(spec: ParameterSpec, variable: Variable): Promise<Float32Array | BigInt64Array> {
  const values = toTorch((await variable.data()) as Float32Array, spec.shape, spec.layout);
  return spec.torchDtype === 'int64'
    ? BigInt64Array.from(values, (value) => BigInt(Math.round(value)))
    : values;
}

function metadataOf(model: Model): Record<string, string> {
  return { format: 'pt', ...describeModel(model) };
}
