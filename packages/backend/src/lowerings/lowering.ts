import type { GraphBuilder } from '../onnx/graph-builder.js';
import type { Value } from '../onnx/value.js';
import type { EngineArray, EngineDtype } from '../runtime/session-runtime.js';

/** What is known of a tensor before it is computed. */
export interface TensorMeta {
  readonly shape: number[];
  readonly dtype: EngineDtype;
}

/** The kernel's result is one of its inputs: the CPU kernel makes an alias and computes nothing. */
export const ALIAS = Symbol('alias');

/** What `infer` may answer; null sends the call to the CPU kernel. */
export type Inferred = TensorMeta | readonly TensorMeta[] | typeof ALIAS | null;

/**
 * How one TensorFlow.js kernel becomes ONNX nodes. `infer` runs once for every distinct call (shapes, dtypes,
 * attributes), `emit` once for every place in a compiled graph; neither sees values.
 */
export interface Lowering<Attrs = unknown> {
  /** The kernel's name in TensorFlow.js. */
  readonly kernel: string;
  /** Names of its inputs in the order in which `infer` and `emit` get them, or 'list' for a kernel of any number. */
  readonly inputs: readonly string[] | 'list';
  /** Whether the CPU kernel gives the same bits, so that a tiny graph may run on it instead. */
  readonly exact?: boolean;
  infer(inputs: readonly TensorMeta[], attrs: Attrs): Inferred;
  /** Whether the CPU kernel is to run at once: where it is all but free and its attributes would make many plans. */
  prefersCpu?(
    values: readonly (EngineArray | undefined)[],
    inputs: readonly TensorMeta[],
    attrs: Attrs,
  ): boolean;
  /** Refuses inputs whose values are known already and wrong; called at every recording. */
  validate?(values: readonly (EngineArray | undefined)[], inputs: readonly TensorMeta[], attrs: Attrs): void;
  emit(
    graph: GraphBuilder,
    inputs: readonly Value[],
    attrs: Attrs,
    outputs: readonly TensorMeta[],
  ): Value | Value[];
}

/** Types a lowering's attributes; the table of all lowerings forgets them again. */
export function lowering<Attrs>(definition: Lowering<Attrs>): Lowering {
  return definition;
}

/** Whether all tensors have this dtype. */
export function allOf(dtype: EngineDtype, inputs: readonly (TensorMeta | undefined)[]): boolean {
  return inputs.every((input) => input === undefined || input.dtype === dtype);
}
