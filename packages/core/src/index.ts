import './stock-gradients.js';

export type { Classifier } from './classifier.js';
export { isRevatError, RevatError, throwIfAborted, type RevatErrorCode } from './errors.js';
export { NORM_NAMES, parseNorm, type NormName } from './norm-name.js';
export { formatRadius, parseRadius } from './radius.js';
export {
  foldIn,
  randomKey,
  RandomStream,
  randomStream,
  threefry2x32,
  type KeyPart,
  type RandomKey,
} from './random.js';
export { gelu, GELU_KERNEL } from './gelu.js';
export { layerNorm, LAYER_NORM_KERNEL } from './layer-norm.js';
