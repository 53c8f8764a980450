import { registerKernel, type KernelFunc, type TensorInfo } from '@tensorflow/tfjs-core';

import { allCpuKernels } from './cpu-kernels.js';
import { customKernels } from './kernels/index.js';
import type { LazyRecord } from './lazy-record.js';
import { lowerings } from './lowerings/index.js';
import type { Lowering, TensorMeta } from './lowerings/lowering.js';
import type { OnnxBackend } from './onnx-backend.js';
import type { EngineArray } from './runtime/session-runtime.js';

/**
 * Registers every kernel of the 'cpu' backend under another name too. Those with a lowering compute nothing when called:
 * they infer the shape of the result and record the call.
 */
export function registerRecordingKernels(backendName: string): void {
  const lowered = new Map<string, Lowering>();
  for (const lowering of lowerings) lowered.set(lowering.kernel, lowering);
  for (const { lowering } of customKernels) lowered.set(lowering.kernel, lowering);
  for (const [kernelName, cpuKernel] of allCpuKernels()) {
    const lowering = lowered.get(kernelName);
    const kernelFunc = lowering ? recording(lowering, cpuKernel) : counting(kernelName, cpuKernel);
    registerKernel({ kernelName, backendName, kernelFunc });
  }
}

/**
 * Calls that are no fallback although nothing is recorded: those that only make another view of the same data, and Fill, whose
 * value would otherwise be part of the graph, so that a schedule (of a radius, say) compiled another plan every step.
 */
const NOT_RECORDED = ['Identity', 'Reshape', 'ExpandDims', 'Fill'];

function counting(kernelName: string, cpuKernel: KernelFunc): KernelFunc {
  if (NOT_RECORDED.includes(kernelName)) return cpuKernel;
  return (call) => {
    (call.backend as OnnxBackend).countFallback(kernelName);
    return cpuKernel(call);
  };
}

function recording(lowering: Lowering, cpuKernel: KernelFunc): KernelFunc {
  return (call) => {
    const backend = call.backend as OnnxBackend;
    const inputs = positionalInputs(lowering, call.inputs);
    const signature = backend.signatures.signatureOf(lowering, inputs, call.attrs);
    if (!signature.outputs) {
      if (!signature.isAlias) backend.countFallback(lowering.kernel);
      return cpuKernel(call);
    }
    const records: LazyRecord[] = [];
    for (const input of inputs) if (input) records.push(backend.recordOf(input.dataId));
    if (lowering.validate || lowering.prefersCpu) {
      const known = [records.map(knownValues), signature.inputs as TensorMeta[], signature.attrs] as const;
      lowering.validate?.(...known);
      if (lowering.prefersCpu?.(...known)) return cpuKernel(call);
    }
    const outputs = backend.recordCall(signature, records);
    return signature.isList ? outputs : outputs[0];
  };
}

function knownValues(record: LazyRecord): EngineArray | undefined {
  return record.isPending ? undefined : record.engineValues;
}

function positionalInputs(
  lowering: Lowering,
  inputs: Record<string, TensorInfo | undefined>,
): (TensorInfo | undefined)[] {
  return lowering.inputs === 'list'
    ? Object.values(inputs)
    : lowering.inputs.map((name) => inputs[name] ?? undefined);
}
