import { engine, findBackendFactory, registerBackend, registerGradient } from '@tensorflow/tfjs-core';
import { describeMachine } from '#platform';
import { openRuntime, type RuntimeOptions } from '#runtime';

import { cacheBudget } from './devices/machine.js';
import { customKernels } from './kernels/index.js';
import { OnnxBackend } from './onnx-backend.js';
import type { PlannerOptions } from './planner.js';
import { registerRecordingKernels } from './recorder.js';
import type { SessionRuntime } from './runtime/session-runtime.js';
import { overrideStockGradients } from './stock-gradient-overrides.js';

/** The engine's name among the backends of TensorFlow.js. */
export const ONNX_BACKEND = 'onnx';

export interface OnnxBackendOptions extends RuntimeOptions, Partial<PlannerOptions> {
  /** What runs the compiled graphs, if not the runtime that this platform opens by itself. */
  readonly runtime?: SessionRuntime;
}

/**
 * Registers the 'onnx' backend with TensorFlow.js; `await tf.setBackend('onnx')` then starts it. Registering again with
 * other options replaces a backend that is not running yet.
 */
export function registerOnnxBackend(options: OnnxBackendOptions = {}): void {
  if (findBackendFactory(ONNX_BACKEND)) engine().removeBackend(ONNX_BACKEND);
  else registerKernelsAndGradients();
  registerBackend(ONNX_BACKEND, async () => {
    const { runtime = await openRuntime(options) } = options;
    const {
      cacheBytes = cacheBudget(describeMachine()),
      smallGraphShortcut = true,
      automaticFreezing = true,
    } = options;
    return new OnnxBackend(runtime, { cacheBytes, smallGraphShortcut, automaticFreezing });
  });
}

function registerKernelsAndGradients(): void {
  registerRecordingKernels(ONNX_BACKEND);
  for (const { gradient } of customKernels) if (gradient) registerGradient(gradient);
  overrideStockGradients();
}
