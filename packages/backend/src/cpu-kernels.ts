import '@tensorflow/tfjs-backend-cpu';
import { getKernelsForBackend, type KernelFunc } from '@tensorflow/tfjs-core';

import { customKernels } from './kernels/index.js';

const cpuKernels = new Map<string, KernelFunc>();

/** The JavaScript kernels by name: all those of the 'cpu' backend, and the plain forms of the engine's own. */
export function allCpuKernels(): ReadonlyMap<string, KernelFunc> {
  if (cpuKernels.size === 0) {
    for (const { kernelName, kernelFunc } of getKernelsForBackend('cpu'))
      cpuKernels.set(kernelName, kernelFunc);
    for (const { lowering, cpuKernel } of customKernels) cpuKernels.set(lowering.kernel, cpuKernel);
  }
  return cpuKernels;
}

export function cpuKernelOf(name: string): KernelFunc {
  return allCpuKernels().get(name)!;
}
