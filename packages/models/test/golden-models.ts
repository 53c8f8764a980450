import { createModel, type Model, type ModelOptions } from '../src/index.js';

/** How each golden of fixtures/goldens is asked for here. */
export const GOLDEN_MODELS: Readonly<Record<string, { model: string; options: ModelOptions }>> = {
  convnext_patch: { model: 'convnext', options: tinyConvNext({ stem: 'patch' }) },
  convnext_convstem_2layer: { model: 'convnext', options: tinyConvNext({ stem: 'conv' }) },
  convnext_convstem_3layer: {
    model: 'convnext',
    options: { ...tinyConvNext({ stem: 'conv' }), convStem: 'table8-c2', dims: [32, 40, 48, 64] },
  },
  convnext_convstem_32px_stride1_valid: { model: 'convnext', options: cifarConvNext('valid') },
  convnext_convstem_32px_stride1_samepad: { model: 'convnext', options: cifarConvNext('same') },
  iso_patch: { model: 'convnext_isotropic', options: { depth: 3, dim: 32, stem: 'patch' } },
  iso_convstem: {
    model: 'convnext_isotropic',
    options: { depth: 3, dim: 32, stem: { name: 'conv', width: 4 } },
  },
  vit_patch: { model: 'vit', options: { depth: 3, dim: 32, heads: 4 } },
  vit_convstem: { model: 'vit', options: { depth: 3, dim: 32, heads: 4, stem: { name: 'conv', width: 4 } } },
  vit_convstem_16N: {
    model: 'vit',
    options: { depth: 2, dim: 64, heads: 4, stem: { name: 'conv', width: 4 } },
  },
  deit3_patch: { model: 'vit', options: tinyDeit3({ stem: 'patch' }) },
  deit3_convstem: { model: 'vit', options: tinyDeit3({ stem: { name: 'conv', width: 4 } }) },
  xcit: { model: 'xcit', options: { depth: 2, dim: 32, heads: 4 } },
  swin: { model: 'swin', options: { depths: [2, 2], dim: 16, heads: [2, 4], window: 4, imageSize: 32 } },
  resnet_bottleneck: { model: 'resnet', options: { depths: [2, 1, 1, 2], planes: [8, 12, 16, 20] } },
  wide_resnet: {
    model: 'resnet',
    options: { depths: [2, 1, 1, 2], planes: [8, 12, 16, 20], baseWidth: 128 },
  },
  robarch: { model: 'robarch', options: { depths: [2, 1, 2, 1], widths: [32, 48, 64, 96], stemWidth: 16 } },
  internimage: { model: 'internimage', options: { depths: [2, 1, 1], dim: 16, groups: [2, 4, 4] } },
};

/** The network of a golden, its weights not loaded. */
export function goldenModel(name: string): Model {
  const { model, options } = GOLDEN_MODELS[name];
  return createModel(
    model,
    { imageSize: 64, ...options, numClasses: 10 },
    {
      deferred: true,
    },
  );
}

function tinyConvNext(options: ModelOptions): ModelOptions {
  return { depths: [2, 1, 2, 1], dims: [16, 24, 32, 48], ...options };
}

function cifarConvNext(downsamplePadding: 'valid' | 'same'): ModelOptions {
  return {
    ...tinyConvNext({ stem: { name: 'conv', strides: [1, 1] } }),
    imageSize: 32,
    downsampleStrides: [1, 2, 2],
    downsamplePadding,
  };
}

function tinyDeit3(options: ModelOptions): ModelOptions {
  return { depth: 3, dim: 32, heads: 4, layerScale: 1e-6, positions: 'patches', ...options };
}
