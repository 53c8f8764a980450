import './stock-gradients.js';

export type { Classifier } from './classifier.js';
export { isRevatError, RevatError, throwIfAborted, type RevatErrorCode } from './errors.js';
export { NORM_NAMES, parseNorm, type NormName } from './norm-name.js';
export { formatRadius, parseRadius } from './radius.js';
export { describeSchemaError, type SchemaError, type SchemaIssue } from './schema-error.js';
export {
  foldIn,
  randomKey,
  RandomStream,
  randomStream,
  threefry2x32,
  type KeyPart,
  type RandomKey,
} from './random.js';
export { Xoshiro128, type Xoshiro128Scrambler } from './xoshiro128.js';
export { gelu, GELU_KERNEL } from './gelu.js';
export { layerNorm, LAYER_NORM_KERNEL } from './layer-norm.js';
export { createBall, perturbationNorm, type Ball, type Bounds } from './ball.js';
export { l1Correction } from './l1-projection.js';
export { cornerStart, randomStart } from './random-start.js';
export {
  attackLoss,
  crossEntropy,
  dlr,
  LOSS_NAMES,
  margin,
  MIN_CLASSES,
  probabilityMargin,
  targetedDlr,
  targetedMargin,
  type LossName,
  type Targets,
} from './losses.js';
export { classesByLogit, lossValue, predictedClass } from './loss-values.js';
export { lengthPerImage, projectBatch } from './tensor-projection.js';
export { WasmMemory } from './wasm-memory.js';
