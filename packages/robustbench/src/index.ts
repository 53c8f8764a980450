export { accuracyOf, type Accuracy } from './accuracy.js';
export { readAdversarialExamples, type AdversarialExamples } from './adversarial-examples.js';
export { evaluate, type EvaluateOptions, type EvaluationResult } from './evaluate.js';
export { evaluatedModel, type EvaluatedModel } from './evaluated-model.js';
export type { EvaluationData, ImagesInMemory } from './evaluation-data.js';
export type { EvaluateEvent, EvaluationOptions, EvaluationPart } from './evaluation-options.js';
export { readJournal, type CommitRecord, type JournaledChunk, type SampleRecord } from './journal.js';
export { leaderboard, leaderboardMarkdown, type Leaderboard, type LeaderboardEntry } from './leaderboard.js';
export { mergeShards, type MergedEvaluation } from './merge-shards.js';
export { takePictures, type TakePicturesOptions } from './pictures.js';
export { encodePng } from './png.js';
export { radiusCurves, type RadiusCurvesOptions } from './radius-curves.js';
export type { PictureFiles } from './report/picture-section.js';
export { renderReport } from './report/render-report.js';
export { verdictText } from './report/verdict.js';
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
export { writeReport } from './write-report.js';
