import { RevatError } from '@revat/core';
import { convnextIsotropic, type ConvNextIsotropicConfig } from './convnext-isotropic.js';
import { convnext, type ConvNextConfig } from './convnext.js';
import type { Family } from './family.js';
import { internimage, type InternImageConfig } from './internimage.js';
import type { Model } from './model.js';
import { resnet, type ResNetConfig } from './resnet.js';
import { robarch, type RobArchConfig } from './robarch.js';
import { swin, type SwinConfig } from './swin.js';
import { vit, type VitConfig } from './vit.js';
import { xcit, type XcitConfig } from './xcit.js';

/** The options of every family; each checks that it knows those it is given. */
export type ModelOptions =
  | Partial<ConvNextConfig>
  | Partial<ConvNextIsotropicConfig>
  | Partial<VitConfig>
  | Partial<ResNetConfig>
  | Partial<XcitConfig>
  | Partial<SwinConfig>
  | Partial<RobArchConfig>
  | Partial<InternImageConfig>;

interface Preset {
  readonly family: Family;
  readonly options: ModelOptions;
}

const CONVNEXT_B = { depths: [3, 3, 27, 3], convStem: 'table8-c2' };

/** Every name that `createModel` takes: a family, to be given its whole configuration, or one of its sizes. */
const PRESETS: Readonly<Record<string, Preset>> = {
  convnext: { family: convnext, options: {} },
  convnext_micro: {
    family: convnext,
    options: {
      imageSize: 32,
      depths: [1, 2, 1],
      dims: [32, 64, 128],
      downsampleStrides: [2, 2],
      layerScale: 0.1,
    },
  },
  convnext_tiny: { family: convnext, options: {} },
  convnext_small: { family: convnext, options: { depths: [3, 3, 27, 3] } },
  convnext_base: { family: convnext, options: { ...CONVNEXT_B, dims: [128, 256, 512, 1024] } },
  convnext_large: { family: convnext, options: { ...CONVNEXT_B, dims: [192, 384, 768, 1536] } },
  convnext_isotropic: { family: convnextIsotropic, options: {} },
  convnext_isotropic_small: { family: convnextIsotropic, options: {} },
  vit: { family: vit, options: {} },
  vit_small: { family: vit, options: {} },
  vit_medium: {
    family: vit,
    options: { dim: 512, heads: 8, layerScale: 1e-6, positions: 'patches' },
  },
  vit_base: { family: vit, options: { dim: 768, heads: 12 } },
  resnet: { family: resnet, options: {} },
  resnet50: { family: resnet, options: {} },
  resnet101: { family: resnet, options: { depths: [3, 4, 23, 3] } },
  wide_resnet50_2: { family: resnet, options: { baseWidth: 128 } },
  xcit: { family: xcit, options: {} },
  xcit_small_12: { family: xcit, options: {} },
  xcit_medium_12: { family: xcit, options: { dim: 512 } },
  xcit_large_12: { family: xcit, options: { dim: 768, heads: 16 } },
  swin: { family: swin, options: {} },
  swin_base: { family: swin, options: {} },
  swin_large: { family: swin, options: { dim: 192, heads: [6, 12, 24, 48] } },
  robarch: { family: robarch, options: {} },
  robarch_small: { family: robarch, options: {} },
  robarch_large: { family: robarch, options: { depths: [7, 11, 18, 1], widths: [512, 1024, 2016, 4032] } },
  internimage: { family: internimage, options: {} },
  internimage_tiny: { family: internimage, options: {} },
};

/** The names that `createModel` takes. */
export function modelNames(): string[] {
  return Object.keys(PRESETS);
}

/**
 * Builds a network, e.g. `createModel('convnext_tiny', { stem: 'conv', numClasses: 10 })`. The options go over the
 * settings of the name. The caller disposes the model. With `deferred`, parameters are made when first needed: for counting,
 * and before loading weights. Throws RevatError 'unknown-name', 'invalid-argument' or 'mismatch'.
 */
export function createModel(
  name: string,
  options: ModelOptions = {},
  { deferred = false }: { deferred?: boolean } = {},
): Model {
  const preset = Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined;
  if (!preset) {
    throw new RevatError(
      'unknown-name',
      `models: no model is called '${name}'. Known: ${modelNames().join(', ')}.`,
    );
  }
  return preset.family.create(name, { ...preset.options, ...options }, deferred);
}
