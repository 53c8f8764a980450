import { gelu, RevatError } from '@revat/core';
import {
  batchNorm,
  conv2d,
  convStem,
  elementwise,
  layerNorm,
  named,
  patchStem,
  resolveStem,
  sequential,
  truncatedNormal,
  type Layer,
  type Scope,
} from '@revat/stems';

import * as tf from '@tensorflow/tfjs-core';
import { defineFamily } from './family.js';
import { fourierPositions } from './layers/fourier-positions.js';
import { linear } from './layers/linear.js';
import { firstToken, flattenMap, prependToken } from './layers/tokens.js';
import { classAttentionBlock, crossCovarianceBlock } from './layers/xcit-blocks.js';
import {
  COMMON_DEFAULTS,
  requireDropPath,
  requirePositive,
  requireIntegers,
  type CommonConfig,
  type DropPathConfig,
  type StemConfig,
} from './model-config.js';
import type { Network } from './model.js';

/**
 * XCiT, cross-covariance image transformer (El-Nouby et al. 2021), in the sizes that Debenedetti et al. 2022 trained
 * robustly. Names are timm's. Any resolution. Stochastic depth drops all blocks at the same rate.
 */
export interface XcitConfig extends CommonConfig, StemConfig, DropPathConfig {
  /** Cross-covariance blocks. Default 12. */
  readonly depth: number;
  /** Width. Default 384. */
  readonly dim: number;
  /** Attention heads; divides `dim`. Default 8. */
  readonly heads: number;
  /** Hidden width of the MLP in multiples of `dim`. Default 4. */
  readonly mlpRatio: number;
  /** Pixels a token on each side, 8 or 16 (a power of 2). Default 16. */
  readonly patchSize: number;
  /** Blocks of class attention at the end. Default 2. */
  readonly classAttentionBlocks: number;
  /** Initial layer scale. Default 1. */
  readonly layerScale: number;
  /** Whether class attention normalises all tokens before the MLP, or the class token alone. Default true. */
  readonly tokensNorm: boolean;
}

const WEIGHT = truncatedNormal(0.02);

export const xcit = defineFamily<XcitConfig>({
  name: 'xcit',
  defaults: {
    ...COMMON_DEFAULTS,
    stem: 'native',
    depth: 12,
    dim: 384,
    heads: 8,
    mlpRatio: 4,
    patchSize: 16,
    classAttentionBlocks: 2,
    layerScale: 1,
    tokensNorm: true,
    dropPath: 0,
  },
  validate(name, { depth, dim, heads, mlpRatio, patchSize, classAttentionBlocks, layerScale, dropPath }) {
    requirePositive(name, { layerScale });
    requireIntegers(name, { depth, dim, heads, mlpRatio, patchSize, classAttentionBlocks });
    requireDropPath(name, dropPath);
    if (dim % heads !== 0)
      throw new RevatError('mismatch', `${name}: dim ${dim} is not divisible by ${heads} heads.`);
    if (patchSize < 2 || !Number.isInteger(Math.log2(patchSize)) || dim % (patchSize / 2) !== 0) {
      throw new RevatError(
        'invalid-argument',
        `${name}: patchSize must be a power of 2 whose half divides dim, got ${patchSize}.`,
      );
    }
  },
  build,
  stages: () => ['patch_embed', 'pos_embed', 'blocks', 'cls_attn_blocks', 'norm', 'head'],
});

function build(scope: Scope, config: XcitConfig): Network {
  const { dim, depth, heads, mlpRatio, classAttentionBlocks, layerScale, tokensNorm, numClasses } = config;
  const classToken = scope.declare<tf.Tensor3D>('cls_token', [1, 1, dim], WEIGHT);
  const stem = embed(scope.child('patch_embed'), config);
  const positions = fourierPositions(scope.child('pos_embed'), dim);
  const sizes = { dim, heads, hidden: mlpRatio * dim, layerScale };
  const blocks = Array.from({ length: depth }, (_, i) =>
    crossCovarianceBlock(scope.child(`blocks.${i}`), { ...sizes, dropRate: config.dropPath }),
  );
  const classBlocks = Array.from({ length: classAttentionBlocks }, (_, i) =>
    classAttentionBlock(scope.child(`cls_attn_blocks.${i}`), { ...sizes, tokensNorm }),
  );
  const norm = named('norm', layerNorm<tf.Tensor3D>(scope.child('norm'), { channels: dim, epsilon: 1e-6 }));
  const head = linear<tf.Tensor2D>(scope.child('head'), {
    inFeatures: dim,
    outFeatures: numClasses,
    weightInitial: WEIGHT,
  });
  return {
    forward(images, pass) {
      const embedded = stem.forward(images, pass);
      pass.observe?.('patch_embed', flattenMap.forward(embedded, pass));
      const map = tf.add<tf.Tensor4D>(embedded, positions.forward(embedded, pass));
      const [, height, width] = map.shape;
      const grid: [number, number] = [height, width];
      const patches = blocks.reduce(
        (x, block) => block.forward(x, grid, pass),
        flattenMap.forward(map, pass),
      );
      const tokens = classBlocks.reduce(
        (x, block) => block.forward(x, pass),
        prependToken(classToken(), patches),
      );
      return head.forward(firstToken(norm.forward(tokens, pass)), pass);
    },
    cost(shape, meter) {
      const map = stem.cost(shape, meter);
      positions.cost(map, meter);
      for (const block of blocks) block.cost(map, meter);
      const tokens = [map[0] * map[1] + 1, dim];
      for (const block of classBlocks) block.cost(tokens, meter);
      norm.cost(tokens, meter);
      return head.cost([dim], meter);
    },
  };
}

function embed(scope: Scope, { stem: option, inChannels, dim, patchSize }: XcitConfig): Layer {
  const projection = scope.child('proj');
  const design = resolveStem(option, {
    family: 'xcit',
    channels: dim,
    stride: patchSize,
    convStem: 'native',
  });
  if (design === 'patch') return patchStem(projection, { inChannels, channels: dim, patch: patchSize });
  return design === 'native'
    ? nativeStem(projection, inChannels, dim, patchSize)
    : convStem(projection, design, inChannels, dim);
}

/** Convolutions of stride 2 without bias, each with batch norm, GELU between them; every one doubles the width. */
function nativeStem(scope: Scope, inChannels: number, dim: number, patchSize: number): Layer {
  const steps = Math.log2(patchSize);
  const layers: Layer[] = [];
  let width = inChannels;
  for (let i = 0; i < steps; i++) {
    const outChannels = dim / 2 ** (steps - 1 - i);
    if (i > 0) layers.push(elementwise<tf.Tensor4D>(gelu));
    layers.push(
      conv2d(scope.child(`${2 * i}.0`), {
        inChannels: width,
        outChannels,
        kernel: 3,
        stride: 2,
        padding: 1,
        bias: false,
      }),
      batchNorm(scope.child(`${2 * i}.1`), outChannels),
    );
    width = outChannels;
  }
  return sequential(layers);
}
