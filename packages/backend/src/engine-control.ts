import { engine, type Tensor } from '@tensorflow/tfjs-core';
import { RevatError } from '@revat/core';

import type { EngineStatistics } from './engine-statistics.js';
import { OnnxBackend } from './onnx-backend.js';

/** Computes everything that is recorded and still referred to; reading a value does so by itself. */
export function flush(): void {
  runningEngine('flush').flush();
}

/**
 * Promises that the values of these tensors or variables stay: plans are compiled with them built in, which saves work at
 * every run. A variable that is assigned a new value is no longer frozen.
 */
export function freeze(tensors: Iterable<Tensor>): void {
  runningEngine('freeze').freeze([...tensors].map(({ dataId }) => dataId));
}

/** Takes `freeze` back and drops the plans that hold the values. */
export function unfreeze(tensors: Iterable<Tensor>): void {
  runningEngine('unfreeze').unfreeze([...tensors].map(({ dataId }) => dataId));
}

/** What the engine has done so far: plans, compiles, bytes, fallbacks by kernel, times. */
export function stats(): EngineStatistics {
  return runningEngine('stats').stats();
}

/** Starts the counters and clocks of `stats` again from zero. */
export function resetStats(): void {
  runningEngine('resetStats').resetStats();
}

function runningEngine(caller: string): OnnxBackend {
  const { backend, backendName } = engine();
  if (backend instanceof OnnxBackend) return backend;
  throw new RevatError(
    'unavailable',
    `${caller}: the 'onnx' backend is not running, '${backendName}' is. Start it with await useBackend('onnx').`,
  );
}
