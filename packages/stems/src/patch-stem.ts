import { conv2d } from './convolution.js';
import type { InitialValues } from './initial-values.js';
import { sequential, type Layer } from './layer.js';
import { layerNorm } from './norm.js';
import type { Scope } from './scope.js';

export interface PatchStemOptions {
  readonly inChannels: number;
  readonly channels: number;
  /** Side of a patch: kernel and stride of the convolution. */
  readonly patch: number;
  /** LayerNorm over channels after the convolution, in this scope; ViT and the isotropic ConvNeXt have none. */
  readonly norm?: { readonly scope: Scope; readonly epsilon: number };
  readonly weightInitial?: InitialValues;
  readonly biasInitial?: InitialValues;
}

/**
 * PatchStem: cuts the image into patches and maps each linearly (Dosovitskiy et al. 2021, section 3.1; Liu et al. 2022,
 * section 2.2). Images [B, H, W, Cin] -> [B, H / patch, W / patch, channels]. The convolution is declared in `scope`.
 */
export function patchStem(scope: Scope, options: PatchStemOptions): Layer {
  const { inChannels, channels, patch, norm, weightInitial, biasInitial } = options;
  const patchify = conv2d(scope, {
    inChannels,
    outChannels: channels,
    kernel: patch,
    stride: patch,
    weightInitial,
    biasInitial,
  });
  return norm ? sequential([patchify, layerNorm(norm.scope, { channels, epsilon: norm.epsilon })]) : patchify;
}
