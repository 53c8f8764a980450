import * as tf from '@tensorflow/tfjs-core';

/**
 * Whether the current backend copies the arrays that tensors are made of (as the onnx and wasm backends do). Where it
 * does, one buffer serves for all parameters; where it keeps them (cpu, webgl), each parameter needs an array of its own.
 */
export function backendCopiesArrays(): boolean {
  const values = new Float32Array(1);
  const probe = tf.tensor1d(values);
  values[0] = 1;
  try {
    return probe.dataSync()[0] === 0;
  } catch {
    return false;
  } finally {
    probe.dispose();
  }
}
