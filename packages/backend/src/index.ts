export { BACKEND_NAMES, type BackendName } from './devices/backend-name.js';
export { deviceReport, type DeviceReport } from './devices/device-report.js';
export { diagnoseDevices, type DeviceDiagnosis } from './devices/diagnose-devices.js';
export { PROVIDER_NAMES, type ProviderName } from './devices/execution-provider.js';
export type { Machine } from './devices/machine.js';
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
export { useBackend, type BackendOptions } from './use-backend.js';
