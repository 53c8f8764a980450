export { flush, freeze, resetStats, stats, unfreeze } from './engine-control.js';
export type { EngineStatistics } from './engine-statistics.js';
export { OnnxBackend } from './onnx-backend.js';
export { ONNX_BACKEND, registerOnnxBackend, type OnnxBackendOptions } from './register-onnx-backend.js';
export type {
  EngineArray,
  EngineDtype,
  EngineModel,
  EngineSession,
  SessionRuntime,
  ValueInfo,
} from './runtime/session-runtime.js';
