import type { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import type { TensorInfo } from '@tensorflow/tfjs-core';

/** The values of a kernel's float32 input; computes what is pending. Not to be changed. */
export function float32Values(backend: object, { dataId }: TensorInfo): Float32Array {
  return (backend as MathBackendCPU).data.get(dataId).values as Float32Array;
}

/** A kernel's float32 result. */
export function float32Output(backend: object, shape: number[], values: Float32Array): TensorInfo {
  return (backend as MathBackendCPU).makeTensorInfo(shape, 'float32', values);
}
