export type {
  Attack,
  AttackResult,
  AttackRunOptions,
  Diagnostics,
  Labels,
  ProgressEvent,
  RandomSource,
  StageDiagnostics,
  StepEvent,
} from './attack.js';
export type { Finding, FindingCode } from './finding.js';
export {
  adaptModel,
  type AdaptOptions,
  type GraphModelLike,
  type LayersModelLike,
  type Model,
  type Normalisation,
} from './model-adapter.js';
export { apgd } from './apgd.js';
export { apgdTargeted } from './apgd-t.js';
export { fgsm, nFgsm, rFgsm } from './fgsm.js';
export { pgd } from './pgd.js';
export { autoAttack } from './auto-attack.js';
export { checkModel, type ModelReport } from './check-model.js';
export { fab, fabTargeted } from './fab.js';
export { attackDefinition, attackNames, createAttack, type AttackEntry } from './registry.js';
export { square } from './square.js';
export { trainingApgd, type TrainingApgd } from './training-apgd.js';
