import { RevatError } from '@revat/core';
import {
  conv2d,
  convStem,
  layerNorm,
  named,
  patchStem,
  resolveStem,
  sequential,
  truncatedNormal,
  ZEROS,
  type Layer,
  type Scope,
} from '@revat/stems';
import * as tf from '@tensorflow/tfjs-core';
import { convNextBlock } from './layers/convnext-block.js';
import { globalPool } from './layers/global-pool.js';
import { linear } from './layers/linear.js';
import { dropRates } from './layers/stochastic-depth.js';
import { defineFamily } from './family.js';
import {
  COMMON_DEFAULTS,
  requireDropPath,
  requireLayerScale,
  requireIntegers,
  type CommonConfig,
  type DropPathConfig,
  type StemConfig,
} from './model-config.js';
import type { Network } from './model.js';

/**
 * ConvNeXt (Liu et al. 2022, "A ConvNet for the 2020s"), with PatchStem as published or with the ConvStem of "Revisiting
 * Adversarial Training for ImageNet". Four stages of blocks; LayerNorm and a 2x2 convolution before all but the first.
 * Names and initialisation are timm's.
 */
export interface ConvNextConfig extends CommonConfig, StemConfig, DropPathConfig {
  /** Blocks of each stage. */
  readonly depths: readonly number[];
  /** Width of each stage. */
  readonly dims: readonly number[];
  /** Side of the depthwise kernel, odd. Default 7. */
  readonly kernelSize: number;
  /** Hidden width of a block in multiples of its width. Default 4. */
  readonly mlpRatio: number;
  /** Initial layer scale gamma, or null for none. Default 1e-6. */
  readonly layerScale: number | null;
  /** The design that `stem: 'conv'` stands for: two convolutions in T and S, three in B and L. */
  readonly convStem: string;
  /** Side of a patch of the PatchStem. Default 4. */
  readonly patchSize: number;
  /** Strides of the downsampling before stages 1, 2, ... Default 2 each; [1, 2, 2] for 32 x 32 images (appendix D.6). */
  readonly downsampleStrides: readonly number[];
  /**
   * Where a stride is 1, the 2x2 kernel loses a row and a column ('valid', what changing the stride in PyTorch does) or
   * gets a row and a column of zeros at the bottom and right ('same'). The paper does not say which. Default 'valid'.
   */
  readonly downsamplePadding: 'valid' | 'same';
}

const WEIGHTS = { weightInitial: truncatedNormal(0.02), biasInitial: ZEROS };
const EPSILON = 1e-6;

export const convnext = defineFamily<ConvNextConfig>({
  name: 'convnext',
  defaults: {
    ...COMMON_DEFAULTS,
    stem: 'patch',
    depths: [3, 3, 9, 3],
    dims: [96, 192, 384, 768],
    kernelSize: 7,
    mlpRatio: 4,
    layerScale: 1e-6,
    convStem: 'table8-c1',
    patchSize: 4,
    downsampleStrides: [2, 2, 2],
    downsamplePadding: 'valid',
    dropPath: 0,
  },
  validate: validateConvNext,
  build: buildConvNext,
  stages: ({ depths }) => ['stem', ...depths.map((_, i) => `stages.${i}`), 'head'],
});

function validateConvNext(name: string, config: ConvNextConfig): void {
  const { depths, dims, kernelSize, mlpRatio, patchSize, downsampleStrides, downsamplePadding } = config;
  requireIntegers(name, { depths, dims, kernelSize, mlpRatio, patchSize });
  requireDropPath(name, config.dropPath);
  requireLayerScale(name, config.layerScale);
  if (kernelSize % 2 === 0)
    throw new RevatError('invalid-argument', `${name}: kernelSize must be odd, got ${kernelSize}.`);
  if (dims.length !== depths.length) {
    throw new RevatError(
      'mismatch',
      `${name}: depths and dims need one entry a stage, got ${depths.length} and ${dims.length}.`,
    );
  }
  if (depths.length > 1) requireIntegers(name, { downsampleStrides });
  if (downsampleStrides.length < depths.length - 1) {
    throw new RevatError(
      'mismatch',
      `${name}: ${depths.length} stages need ${depths.length - 1} downsampleStrides, got ${downsampleStrides.length}.`,
    );
  }
  if (downsamplePadding !== 'valid' && downsamplePadding !== 'same') {
    throw new RevatError(
      'invalid-argument',
      `${name}: downsamplePadding must be 'valid' or 'same', got ${JSON.stringify(downsamplePadding)}.`,
    );
  }
}

function buildConvNext(scope: Scope, config: ConvNextConfig): Network {
  const { depths, dims, dropPath } = config;
  const rates = dropRates(
    dropPath,
    depths.reduce((sum, depth) => sum + depth, 0),
  );
  const body = sequential([
    named('stem', stem(scope.child('stem'), config)),
    ...dims.map((_, i) => stage(scope.child(`stages.${i}`), i, rates, config)),
  ]);
  const head = classifierHead(scope.child('head'), dims[dims.length - 1], config.numClasses);
  return {
    forward: (images, pass) => head.forward(body.forward(images, pass), pass),
    cost: (shape, meter) => head.cost(body.cost(shape, meter), meter),
  };
}

function stem(scope: Scope, config: ConvNextConfig): Layer {
  const { inChannels, dims, patchSize } = config;
  const requirements = {
    family: 'convnext',
    channels: dims[0],
    stride: patchSize,
    convStem: config.convStem,
  };
  const design = resolveStem(config.stem, requirements);
  if (typeof design === 'object') return convStem(scope, design, inChannels, dims[0]);
  return patchStem(scope.child(0), {
    inChannels,
    channels: dims[0],
    patch: patchSize,
    norm: { scope: scope.child(1), epsilon: EPSILON },
    ...WEIGHTS,
  });
}

function stage(scope: Scope, index: number, rates: readonly number[], config: ConvNextConfig): Layer {
  const { depths, dims, kernelSize, mlpRatio, layerScale } = config;
  const before = depths.slice(0, index).reduce((sum, depth) => sum + depth, 0);
  // Declared before the blocks, as in the state dict.
  const layers = index > 0 ? [downsample(scope.child('downsample'), index, config)] : [];
  for (let j = 0; j < depths[index]; j++) {
    layers.push(
      convNextBlock(scope.child(`blocks.${j}`), {
        channels: dims[index],
        kernelSize,
        hidden: mlpRatio * dims[index],
        layerScale,
        dropRate: rates[before + j],
        names: 'timm',
      }),
    );
  }
  return named(scope.path, sequential(layers));
}

/** LayerNorm at the old width, then a convolution of kernel 2. */
function downsample(scope: Scope, index: number, config: ConvNextConfig): Layer {
  const { dims, downsampleStrides, downsamplePadding } = config;
  const stride = downsampleStrides[index - 1];
  const norm = layerNorm(scope.child(0), { channels: dims[index - 1], epsilon: EPSILON });
  const convolution = conv2d(scope.child(1), {
    inChannels: dims[index - 1],
    outChannels: dims[index],
    kernel: 2,
    stride,
    ...WEIGHTS,
  });
  const keepsExtent = stride === 1 && downsamplePadding === 'same';
  return sequential(keepsExtent ? [norm, padBottomRight, convolution] : [norm, convolution]);
}

const padBottomRight: Layer = {
  forward: (x) =>
    tf.pad4d(x, [
      [0, 0],
      [0, 1],
      [0, 1],
      [0, 0],
    ]),
  cost: ([height, width, channels]) => [height + 1, width + 1, channels],
};

/** Global pool, then LayerNorm, then a linear layer: pooling comes first. */
function classifierHead(scope: Scope, channels: number, numClasses: number): Network {
  const pool = globalPool(scope.child('global_pool').path, { counted: true });
  const norm = named(
    `${scope.path}.norm`,
    layerNorm<tf.Tensor2D>(scope.child('norm'), { channels, epsilon: EPSILON }),
  );
  const fc = linear<tf.Tensor2D>(scope.child('fc'), {
    inFeatures: channels,
    outFeatures: numClasses,
    weightInitial: WEIGHTS.weightInitial,
  });
  return {
    forward: (x, pass) => fc.forward(norm.forward(pool.forward(x, pass), pass), pass),
    cost: (shape, meter) => fc.cost(norm.cost(pool.cost(shape, meter), meter), meter),
  };
}
