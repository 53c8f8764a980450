import type { backend_util, DataType, TensorInfo } from '@tensorflow/tfjs-core';

import type { EngineArray, EngineDtype } from './runtime/session-runtime.js';
import type { Signature } from './signature.js';

/** A recorded kernel call. It holds records, not tensors: disposing a tensor does not take its values from the graph. */
export interface PendingNode {
  readonly signature: Signature;
  readonly inputs: readonly LazyRecord[];
  readonly outputs: readonly LazyRecord[];
}

/** Computes a record's values by running what is pending. */
export type Compute = (record: LazyRecord) => void;

/**
 * What the backend stores for a tensor's data: its values, or the recorded call that will make them. Every CPU kernel
 * reads the property `values`, and so works on lazy data unchanged.
 */
export class LazyRecord {
  private static nextId = 1;
  readonly id = LazyRecord.nextId++;
  readonly dtype: DataType;
  refCount: number;
  /** Parts of a complex tensor, as the CPU backend keeps them. */
  complexTensorInfos?: { real: TensorInfo; imag: TensorInfo };
  /** Whether some tensor still refers to this data. */
  alive = true;
  /** Whether a plan may build these values into its model. */
  frozen = false;
  /** The call that makes the values; undefined once they are there. */
  node: PendingNode | undefined;
  /** Why the values cannot be had; thrown at every attempt to read them. */
  error: Error | undefined;

  /** Scratch of the planner: valid where the mark equals the planner's current one. */
  wantedMark = 0;
  slotMark = 0;
  slot = 0;
  scopeMark = 0;
  scopeHolds = 0;

  private array: backend_util.BackendValues | undefined;
  private readonly compute: Compute | undefined;

  private constructor(
    dtype: DataType,
    refCount: number,
    array: backend_util.BackendValues | undefined,
    compute: Compute | undefined,
  ) {
    this.dtype = dtype;
    this.refCount = refCount;
    this.array = array;
    this.compute = compute;
  }

  /** Data that is there already; undefined only for the container of a complex tensor. */
  static of(values: backend_util.BackendValues | undefined, dtype: DataType, refCount: number): LazyRecord {
    return new LazyRecord(dtype, refCount, values, undefined);
  }

  /** Data that `compute` will make when asked; set `node` before. */
  static pending(dtype: EngineDtype, compute: Compute): LazyRecord {
    return new LazyRecord(dtype, 1, undefined, compute);
  }

  get isPending(): boolean {
    return this.node !== undefined;
  }

  /** The values, which must not be changed. Computes them if need be; throws what kept them from being computed. */
  get values(): backend_util.BackendValues | undefined {
    if (this.node !== undefined) this.compute!(this);
    if (this.error !== undefined) throw this.error;
    return this.array;
  }

  /** The values of a record that is not pending. */
  get engineValues(): EngineArray {
    if (this.error !== undefined) throw this.error;
    return this.array as EngineArray;
  }

  resolve(values: EngineArray): void {
    this.array = values;
    this.node = undefined;
  }

  fail(error: unknown): void {
    this.error = error instanceof Error ? error : new Error(String(error));
    this.node = undefined;
  }
}
