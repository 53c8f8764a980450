import { engine, getBackend, version_core } from '@tensorflow/tfjs-core';
import { describeMachine, onnxRuntimePackage } from '#platform';

import { OnnxBackend } from '../onnx-backend.js';
import type { BackendName } from './backend-name.js';
import { cacheBudget, type Machine } from './machine.js';
import { measureMatrixMultiplyPeak } from './matrix-multiply-peak.js';
import type { ProviderName } from './execution-provider.js';

/** What computes: printed by `revat doctor` and kept in every result file. Plain data. */
export interface DeviceReport {
  /** As `useBackend` calls it, or tfjs's name of the current backend. */
  readonly backend: string;
  /** ONNX Runtime's execution provider. */
  readonly provider?: string;
  /** Threads of one operator. */
  readonly threads?: number;
  /** Whether a worker thread computes. */
  readonly offThread?: boolean;
  /** Bytes that compiled graphs may hold. */
  readonly cacheBytes?: number;
  /** ONNX Runtime's package. */
  readonly runtime?: { readonly name: string; readonly version?: string };
  /** Channels in a block of ONNX Runtime's blocked operators; 0 where they are absent. */
  readonly channelBlock?: number;
  /** Measured float32 matrix multiplication, GFLOP/s; only if asked for. */
  readonly peakGflops?: number;
  readonly machine: Machine;
  readonly tfjs: string;
  /** Why it is not another one. */
  readonly notes: readonly string[];
}

/** What `useBackend` decided. */
export interface DeviceChoice {
  readonly name: BackendName;
  readonly provider?: ProviderName;
  readonly threads?: number;
  readonly offThread?: boolean;
  readonly cacheBytes?: number;
  readonly notes: readonly string[];
}

let lastChoice: DeviceChoice | undefined;

export function rememberChoice(choice: DeviceChoice): void {
  lastChoice = choice;
}

/** The device in use. `measurePeak` also measures matrix multiplication, which takes about a second. */
export async function deviceReport({ measurePeak = false } = {}): Promise<DeviceReport> {
  const machine = describeMachine();
  const { backend } = engine();
  const common = { machine, tfjs: version_core, notes: lastChoice?.notes ?? [] };
  if (!(backend instanceof OnnxBackend)) {
    return { backend: lastChoice?.name ?? getBackend(), threads: lastChoice?.threads, ...common };
  }
  const { runtime } = backend;
  const { name, version } = onnxRuntimePackage() ?? { name: 'onnxruntime' };
  return {
    backend: getBackend(),
    provider: runtime.provider,
    threads: lastChoice?.threads,
    offThread: lastChoice?.offThread ?? false,
    cacheBytes: lastChoice?.cacheBytes ?? cacheBudget(machine),
    runtime: { name, version },
    channelBlock: runtime.channelBlock,
    peakGflops: measurePeak ? await measureMatrixMultiplyPeak(runtime) : undefined,
    ...common,
  };
}
