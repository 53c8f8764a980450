import { RevatError } from '@revat/core';

import type { Selection } from './graph-selection.js';
import type { PendingNode } from './lazy-record.js';
import { engineModel } from './onnx/engine-model.js';
import { GraphBuilder, type GraphTarget } from './onnx/graph-builder.js';
import type { Value } from './onnx/value.js';
import type { EngineDtype, EngineModel } from './runtime/session-runtime.js';
import { describeCall } from './signature.js';

/** A model for a selection: its inputs are the leaves that are not frozen, its outputs the roots, each in order. */
export interface CompiledModel {
  readonly model: EngineModel;
  /** An upper estimate of the memory that a run takes inside the runtime, in bytes. */
  readonly workingBytes: number;
}

/** Lowers a selection to ONNX. Throws a RevatError naming the kernel that could not be lowered. */
export function compileModel({ nodes, roots }: Selection, target: GraphTarget): CompiledModel {
  const graph = new GraphBuilder(target);
  const leaves = new Map<number, Value>();
  const computed: Value[] = [];
  nodes.forEach((node, index) => {
    graph.label = nodeLabel(node, index);
    try {
      computed.push(...lower(graph, node, leaves, computed));
    } catch (error) {
      const message = `The engine could not lower ${describeCall(node.signature)}: ${messageOf(error)}`;
      throw new RevatError('engine', message, {
        cause: error,
        details: { kernel: node.signature.lowering.kernel },
      });
    }
  });
  for (const root of roots) graph.output(computed[root.slot]);
  return { model: engineModel(graph), workingBytes: graph.workingBytes() };
}

function lower(
  graph: GraphBuilder,
  { signature, inputs }: PendingNode,
  leaves: Map<number, Value>,
  computed: readonly Value[],
): Value[] {
  let position = 0;
  const values = signature.inputs.map((meta) => {
    if (!meta) return undefined;
    const record = inputs[position++];
    if (record.slot >= 0) return graph.reshape(computed[record.slot], meta.shape);
    let leaf = leaves.get(record.slot);
    if (!leaf) {
      leaf = record.frozen
        ? graph.initializer(meta.dtype, meta.shape, record.engineValues)
        : graph.input(record.dtype as EngineDtype, meta.shape);
      leaves.set(record.slot, leaf);
    }
    return graph.reshape(leaf, meta.shape);
  });
  const { lowering, attrs, outputs } = signature;
  const result = [lowering.emit(graph, values as Value[], attrs, outputs!)].flat();
  return result.map((value, i) => graph.reshape(value, outputs![i].shape));
}

function nodeLabel({ signature }: PendingNode, index: number): string {
  return `${signature.lowering.kernel}#${index}`;
}

/** A runtime's failure, in terms of the kernel whose label its message mentions. */
export function explainFailure(error: unknown, { nodes }: Selection): RevatError {
  const text = messageOf(error);
  const index = /#(\d+)/.exec(text)?.[1];
  const culprit = index === undefined ? undefined : nodes[Number(index)];
  const where = culprit
    ? describeCall(culprit.signature)
    : `a graph of ${nodes.length} kernels ending in ${describeCall(nodes[nodes.length - 1].signature)}`;
  const shapes = culprit?.signature.inputs.map((input) => input?.shape);
  return new RevatError('engine', `The engine failed to compute ${where}: ${text}`, {
    cause: error,
    details: { kernel: culprit?.signature.lowering.kernel, shapes },
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
