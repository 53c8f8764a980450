import { Tensor, type NamedAttrMap, type NamedTensorInfoMap, type TensorInfo } from '@tensorflow/tfjs-core';
import type { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';

import { cpuKernelOf } from './cpu-kernels.js';
import type { Selection } from './graph-selection.js';
import { LazyRecord, type PendingNode } from './lazy-record.js';
import { arrayOf, sizeOf } from './onnx/value.js';
import type { EngineArray, EngineDtype } from './runtime/session-runtime.js';

/** Below this many elements the JavaScript kernels beat the fixed cost of running a session. */
const ALWAYS_SMALL = 2_000;
/** Below this many elements a graph that may never come back is not worth compiling. */
const SMALL_ONCE = 200_000;
/** How often such a graph must come back before it is compiled. */
const REPEATS = 3;
const MAX_COUNTED_GRAPHS = 10_000;

/**
 * Runs tiny graphs node by node on the CPU kernels: a session costs about 0.35 ms a node to make. Only graphs of kernels
 * whose result is the same bit for bit are eligible, so that results depend on neither history nor batch size.
 */
export class SmallGraphShortcut {
  private readonly seen = new Map<number, number>();

  constructor(private readonly backend: MathBackendCPU) {}

  /** Computes the selection's roots and returns true, or returns false if it is for the engine. */
  tryRun(selection: Selection): boolean {
    if (!selection.nodes.every(({ signature }) => signature.lowering.exact)) return false;
    const elements = selection.nodes.reduce((total, node) => total + elementsOf(node), 0);
    if (elements > SMALL_ONCE) return false;
    if (elements > ALWAYS_SMALL && this.count(selection.hash) > REPEATS) return false;
    interpret(selection, this.backend);
    return true;
  }

  private count(hash: number): number {
    if (this.seen.size >= MAX_COUNTED_GRAPHS) this.seen.clear();
    const count = (this.seen.get(hash) ?? 0) + 1;
    this.seen.set(hash, count);
    return count;
  }
}

function elementsOf({ signature }: PendingNode): number {
  let elements = 0;
  for (const { shape } of signature.outputs!) elements += sizeOf(shape);
  for (const input of signature.inputs) if (input) elements += sizeOf(input.shape);
  return elements;
}

/** Computes a selection with the JavaScript kernels. */
export function interpret({ nodes, roots }: Selection, backend: MathBackendCPU): void {
  const results = new Map<LazyRecord, EngineArray>();
  for (const node of nodes) {
    const outputs = runCpuKernel(node, results, backend);
    node.outputs.forEach((output, i) => results.set(output, outputs[i]));
  }
  for (const root of roots) root.resolve(results.get(root)!);
}

function runCpuKernel(
  { signature, inputs }: PendingNode,
  results: ReadonlyMap<LazyRecord, EngineArray>,
  backend: MathBackendCPU,
): EngineArray[] {
  const { lowering, attrs } = signature;
  const temporary: object[] = [];
  let position = 0;
  const infos = signature.inputs.map((meta): TensorInfo | undefined => {
    if (!meta) return undefined;
    const record = inputs[position++];
    const dataId = {};
    backend.data.set(dataId, LazyRecord.of(results.get(record) ?? record.engineValues, meta.dtype, 1));
    temporary.push(dataId);
    return { dataId, shape: meta.shape, dtype: meta.dtype };
  });
  const named =
    lowering.inputs === 'list'
      ? infos
      : Object.fromEntries(lowering.inputs.map((name, i) => [name, infos[i]]));
  const outputs = [
    cpuKernelOf(lowering.kernel)({
      inputs: named as NamedTensorInfoMap,
      attrs: attrs as NamedAttrMap,
      backend,
    }),
  ].flat();
  const arrays = outputs.map(({ dataId, dtype }) =>
    inDtype(backend.data.get(dataId).values as EngineArray, dtype as EngineDtype),
  );
  for (const dataId of temporary) backend.data.delete(dataId);
  // Most kernels answer with bare data, a few (Abs) with a tensor that the engine counts.
  for (const output of outputs) {
    if (output instanceof Tensor) output.dispose();
    else backend.data.delete(output.dataId);
  }
  return arrays;
}

/** The CPU kernels cast integers to float32 by calling the same integers float32; the engine wants them converted. */
function inDtype(values: EngineArray, dtype: EngineDtype): EngineArray {
  return dtype === 'float32' && !(values instanceof Float32Array) ? arrayOf(dtype, values) : values;
}
