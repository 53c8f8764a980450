import { RevatError } from '@revat/core';
import {
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
import type * as tf from '@tensorflow/tfjs-core';
import { defineFamily } from './family.js';
import { convNextBlock } from './layers/convnext-block.js';
import { globalPool } from './layers/global-pool.js';
import { linear } from './layers/linear.js';
import { dropRates } from './layers/stochastic-depth.js';
import {
  COMMON_DEFAULTS,
  requireDropPath,
  requireIntegers,
  type CommonConfig,
  type DropPathConfig,
  type StemConfig,
} from './model-config.js';
import type { Network } from './model.js';

/**
 * Isotropic ConvNeXt (Liu et al. 2022, section 3.3): ConvNeXt blocks of one width on a grid of 14 x 14, without
 * downsampling and without layer scale. Names are those of Facebook's checkpoints.
 */
export interface ConvNextIsotropicConfig extends CommonConfig, StemConfig, DropPathConfig {
  /** Number of blocks. Default 18. */
  readonly depth: number;
  /** Width. Default 384. */
  readonly dim: number;
  /** Side of the depthwise kernel, odd. Default 7. */
  readonly kernelSize: number;
  /** Hidden width of a block in multiples of its width. Default 4. */
  readonly mlpRatio: number;
  /** Side of a patch of the PatchStem. Default 16. */
  readonly patchSize: number;
}

const WEIGHTS = { weightInitial: truncatedNormal(0.02), biasInitial: ZEROS };

export const convnextIsotropic = defineFamily<ConvNextIsotropicConfig>({
  name: 'convnext_isotropic',
  defaults: {
    ...COMMON_DEFAULTS,
    stem: 'patch',
    depth: 18,
    dim: 384,
    kernelSize: 7,
    mlpRatio: 4,
    patchSize: 16,
    dropPath: 0,
  },
  validate(name, { depth, dim, kernelSize, mlpRatio, patchSize, dropPath }) {
    requireIntegers(name, { depth, dim, kernelSize, mlpRatio, patchSize });
    requireDropPath(name, dropPath);
    if (kernelSize % 2 === 0)
      throw new RevatError('invalid-argument', `${name}: kernelSize must be odd, got ${kernelSize}.`);
  },
  build,
  stages: () => ['stem', 'blocks', 'norm', 'head'],
});

function build(scope: Scope, config: ConvNextIsotropicConfig): Network {
  const { depth, dim, kernelSize, mlpRatio, numClasses, dropPath } = config;
  const rates = dropRates(dropPath, depth);
  const body = sequential([
    named('stem', stem(scope.child('stem'), config)),
    ...rates.map((dropRate, i) =>
      convNextBlock(scope.child(`blocks.${i}`), {
        channels: dim,
        kernelSize,
        hidden: mlpRatio * dim,
        layerScale: null,
        dropRate,
        names: 'facebook',
      }),
    ),
  ]);
  const pool = globalPool('pool', { counted: false });
  const norm = named('norm', layerNorm<tf.Tensor2D>(scope.child('norm'), { channels: dim, epsilon: 1e-6 }));
  const head = linear<tf.Tensor2D>(scope.child('head'), {
    inFeatures: dim,
    outFeatures: numClasses,
    ...WEIGHTS,
  });
  return {
    forward: (images, pass) =>
      head.forward(norm.forward(pool.forward(body.forward(images, pass), pass), pass), pass),
    cost: (shape, meter) => head.cost(norm.cost(pool.cost(body.cost(shape, meter), meter), meter), meter),
  };
}

function stem(scope: Scope, { stem: option, inChannels, dim, patchSize }: ConvNextIsotropicConfig): Layer {
  const design = resolveStem(option, {
    family: 'convnext_isotropic',
    channels: dim,
    stride: patchSize,
    convStem: 'table9-c1',
    nativeStem: 'patch',
  });
  return typeof design === 'object'
    ? convStem(scope, design, inChannels, dim)
    : patchStem(scope, { inChannels, channels: dim, patch: patchSize, ...WEIGHTS });
}
