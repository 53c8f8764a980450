import * as tf from '@tensorflow/tfjs-core';

import { registerOnnxBackend, type OnnxBackendOptions } from '../src/register-onnx-backend.js';

/** Starts the engine with these options, afresh. */
export async function startEngine(options: OnnxBackendOptions = {}): Promise<void> {
  await tf.setBackend('cpu');
  registerOnnxBackend({ threads: 1, ...options });
  await tf.setBackend('onnx');
}

/** The values of the tensors that `compute` returns, computed on a backend; nothing is left behind. */
export async function valuesOn(
  backendName: string,
  compute: () => tf.Tensor | tf.Tensor[],
): Promise<{ shape: number[]; dtype: string; values: ArrayLike<number> }[]> {
  await tf.setBackend(backendName);
  const outputs = [tf.tidy(compute)].flat();
  const results = outputs.map((output) => ({
    shape: output.shape,
    dtype: output.dtype,
    values: output.dataSync().slice(),
  }));
  tf.dispose(outputs);
  return results;
}

/** Uniform numbers in [-1, 1), the same on every backend. */
export function sample(shape: number[], seed: number): tf.Tensor {
  let state = seed * 2654435761 + 12345;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  };
  return tf.tensor(Float32Array.from({ length: tf.util.sizeFromShape(shape) }, next), shape);
}
