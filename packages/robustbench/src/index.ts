export { accuracyOf, type Accuracy } from './accuracy.js';
export type {
  EvaluatedModel,
  EvaluateEvent,
  EvaluateOptions,
  EvaluationData,
  EvaluationDataset,
  EvaluationResult,
  EvaluationSample,
  ImagesInMemory,
} from './evaluation.js';
export { parseResults, readResults, validateResults, writeResults } from './results-file.js';
export {
  RESULTS_VERSION,
  type AttackReport,
  type DataReport,
  type DeviceReport,
  type Finding,
  type ModelResult,
  type Picture,
  type RadiusCurve,
  type Results,
  type RunRecipe,
  type ThreatResult,
  type TrainingEpoch,
  type TrainingReport,
  type TrainingStage,
} from './results.js';
export {
  parseThreatModel,
  PROTOCOLS,
  protocolLabel,
  threatModel,
  type Protocol,
  type ThreatModel,
  type ThreatModelOptions,
} from './threat-model.js';
