export { convStem } from './conv-stem.js';
export {
  conv2d,
  depthwiseConv2d,
  type ConvolutionOptions,
  type DepthwiseConvolutionOptions,
} from './convolution.js';
export {
  initialValues,
  ONES,
  torchDefault,
  truncatedNormal,
  ZEROS,
  type InitialValues,
} from './initial-values.js';
export {
  elementwise,
  named,
  sequential,
  type CostMeter,
  type ForwardPass,
  type Layer,
  type Operator,
  type Shape,
} from './layer.js';
export { batchNorm, layerNorm, type LayerNormOptions } from './norm.js';
export { ParameterStore, sizeOf, type ParameterLayout, type ParameterSpec } from './parameter.js';
export { patchStem, type PatchStemOptions } from './patch-stem.js';
export { Scope, type ParameterReader } from './scope.js';
export {
  PAPER_STEMS,
  resolveStem,
  type PaperStem,
  type StemDesign,
  type StemLayer,
  type StemOption,
  type StemRequirements,
} from './stem-design.js';
