import type { CustomKernel } from './custom-kernel.js';
import { gelu, geluGradient } from './gelu.js';
import { layerNorm, layerNormGammaGradient, layerNormInputGradient } from './layer-norm.js';

/** The kernels that the engine adds to those of TensorFlow.js. */
export const customKernels: readonly CustomKernel[] = [
  gelu,
  geluGradient,
  layerNorm,
  layerNormInputGradient,
  layerNormGammaGradient,
];
