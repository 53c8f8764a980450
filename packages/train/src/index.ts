export { AdamW, ADAMW_DEFAULTS, hasWeightDecay, type AdamWOptions } from './adamw.js';
export type { EpochRecord, TrainEvent } from './history.js';
export { learningRateAt, radiusAt, type LearningRateSchedule } from './learning-rate.js';
export { QUICKSTART_EPS, quickstartRecipe, type QuickstartOptions } from './recipes/quickstart.js';
export { openRecipeData, type RecipeData } from './recipe-data.js';
export { parseRecipe, readRecipe, recipeHash, type Recipe, type RecipeInput, type Stage } from './recipe.js';
export {
  claimFolder,
  hashFile,
  openRunFolder,
  readFolderOwner,
  readRunFolder,
  type FolderOwner,
  type RunFolder,
} from './run-folder.js';
export { findStageCheckpoint, loadStageModel, type StageCheckpoint } from './stage-checkpoint.js';
export { smoothTargets, trainStep, type Perturb, type TrainStepInput } from './train-step.js';
export { withMode, type TrainableModel } from './trainable-model.js';
export { train, type TrainOptions, type TrainResult } from './train.js';
export { readValidationSet, validate, type ValidationAttack, type ValidationSet } from './validation.js';
export { WeightAverage } from './weight-average.js';
