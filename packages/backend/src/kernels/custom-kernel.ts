import type { GradConfig, KernelFunc } from '@tensorflow/tfjs-core';

import type { Lowering } from '../lowerings/lowering.js';

/** A kernel that TensorFlow.js does not have: its ONNX form, its plain form for fallback, and perhaps its gradient. */
export interface CustomKernel {
  readonly lowering: Lowering;
  readonly cpuKernel: KernelFunc;
  readonly gradient?: GradConfig;
}
