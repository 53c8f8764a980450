import {
  util,
  type backend_util,
  type BackendTimingInfo,
  type DataType,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';

import { newStatistics, type EngineStatistics } from './engine-statistics.js';
import { LazyRecord, type PendingNode } from './lazy-record.js';
import { Planner, type PlannerOptions } from './planner.js';
import type { SessionRuntime } from './runtime/session-runtime.js';
import { SignatureTable, type Signature } from './signature.js';

type DataId = TensorInfo['dataId'];

/**
 * A TensorFlow.js backend that records kernels and, when a value is read, runs the recorded graph with ONNX Runtime. It
 * extends the CPU backend and shares its storage, so every kernel of that backend works as a fallback.
 */
export class OnnxBackend extends MathBackendCPU {
  readonly signatures = new SignatureTable();
  private statistics = newStatistics();
  private readonly planner: Planner;

  constructor(
    readonly runtime: SessionRuntime,
    options: PlannerOptions,
  ) {
    super();
    this.planner = new Planner(this, runtime, options, this.statistics);
  }

  recordOf(dataId: DataId): LazyRecord {
    return this.data.get(dataId) as unknown as LazyRecord;
  }

  /** Records a kernel call and returns its results-to-be. */
  recordCall(signature: Signature, inputs: readonly LazyRecord[]): TensorInfo[] {
    this.statistics.kernels++;
    const outputs: LazyRecord[] = [];
    const infos: TensorInfo[] = [];
    for (const { shape, dtype } of signature.outputs!) {
      const record = LazyRecord.pending(dtype, this.planner.compute);
      outputs.push(record);
      const dataId = {};
      this.data.set(dataId, record);
      infos.push({ dataId, shape, dtype });
    }
    const node: PendingNode = { signature, inputs, outputs };
    for (const record of outputs) record.node = node;
    this.planner.add(node);
    return infos;
  }

  countFallback(kernel: string): void {
    this.statistics.kernels++;
    this.statistics.fallbacks[kernel] = (this.statistics.fallbacks[kernel] ?? 0) + 1;
  }

  /** Copies: the caller may change its array before the values are used. */
  override write(values: backend_util.BackendValues, _shape: number[], dtype: DataType): DataId {
    return this.store((values as Float32Array | undefined)?.slice(), dtype);
  }

  /** Results of CPU kernels, which own their arrays. */
  override makeTensorInfo(
    shape: number[],
    dtype: DataType,
    values?: backend_util.BackendValues | string[],
  ): TensorInfo {
    const isText =
      dtype === 'string' && values !== undefined && values.length > 0 && util.isString(values[0]);
    const stored = isText ? (values as string[]).map((text) => util.encodeString(text)) : values;
    return { dataId: this.store(stored as backend_util.BackendValues | undefined, dtype), shape, dtype };
  }

  override move(
    dataId: DataId,
    values: backend_util.BackendValues,
    _shape: number[],
    dtype: DataType,
    refCount: number,
  ): void {
    this.data.set(dataId, LazyRecord.of(backingArray(values, dtype), dtype, refCount));
  }

  override async read(dataId: DataId): Promise<backend_util.BackendValues> {
    const record = this.recordOf(dataId);
    if (record.complexTensorInfos) {
      const { real, imag } = record.complexTensorInfos;
      await Promise.all([this.read(real.dataId), this.read(imag.dataId)]);
    } else if (record.isPending) {
      await this.planner.computeAsync(record);
    }
    return this.readSync(dataId);
  }

  override disposeData(dataId: DataId, force = false): boolean {
    const record = this.data.has(dataId) ? this.recordOf(dataId) : undefined;
    const isGone = super.disposeData(dataId, force);
    if (record && isGone) {
      record.alive = false;
      if (record.frozen) this.planner.dropFrozen(record);
    }
    return isGone;
  }

  override async time(work: () => void): Promise<BackendTimingInfo> {
    const start = util.now();
    work();
    this.flush();
    return { kernelMs: util.now() - start };
  }

  /** Computes everything that is recorded and still referred to. */
  flush(): void {
    this.planner.flush();
  }

  /** Builds these values into the plans that use them, until they are disposed or unfrozen. */
  freeze(dataIds: readonly DataId[]): void {
    for (const dataId of dataIds) this.recordOf(dataId).frozen = true;
  }

  unfreeze(dataIds: readonly DataId[]): void {
    for (const dataId of dataIds) this.planner.dropFrozen(this.recordOf(dataId));
  }

  /** A snapshot. */
  stats(): EngineStatistics {
    const { planCount: plans, planBytes, evictions } = this.planner;
    return { ...this.statistics, fallbacks: { ...this.statistics.fallbacks }, plans, planBytes, evictions };
  }

  resetStats(): void {
    Object.assign(this.statistics, newStatistics());
  }

  override memory(): { unreliable: boolean; reasons: string[] } {
    return { unreliable: false, reasons: [] };
  }

  override dispose(): void {
    this.planner.dispose();
    super.dispose();
  }

  private store(values: backend_util.BackendValues | undefined, dtype: DataType): DataId {
    const dataId = {};
    this.data.set(dataId, LazyRecord.of(backingArray(values, dtype), dtype, 1));
    return dataId;
  }
}

/** Some CPU kernels answer in an array of another type than the dtype's (OneHot), which ONNX Runtime does not take. */
function backingArray(
  values: backend_util.BackendValues | undefined,
  dtype: DataType,
): backend_util.BackendValues | undefined {
  if (values === undefined || values === null) return undefined;
  if (dtype === 'float32')
    return values instanceof Float32Array
      ? values
      : Float32Array.from(values as unknown as ArrayLike<number>);
  if (dtype === 'int32')
    return values instanceof Int32Array ? values : Int32Array.from(values as unknown as ArrayLike<number>);
  if (dtype === 'bool')
    return values instanceof Uint8Array ? values : Uint8Array.from(values as unknown as ArrayLike<number>);
  return values;
}
