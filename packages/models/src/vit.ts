import { RevatError } from '@revat/core';
import {
  convStem,
  layerNorm,
  named,
  patchStem,
  resolveStem,
  truncatedNormal,
  type Layer,
  type Scope,
} from '@revat/stems';
import * as tf from '@tensorflow/tfjs-core';
import { defineFamily } from './family.js';
import { selfAttention } from './layers/attention.js';
import { linear } from './layers/linear.js';
import { mlp } from './layers/mlp.js';
import { dropBranch, dropRates } from './layers/stochastic-depth.js';
import { firstToken, flattenMap, prependToken } from './layers/tokens.js';
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
 * Vision transformer (Dosovitskiy et al. 2021) as in DeiT (Touvron et al. 2021) and DeiT-III (Touvron et al. 2022). DeiT-III
 * adds layer scale and gives the class token no position embedding. Names are timm's.
 */
export interface VitConfig extends CommonConfig, StemConfig, DropPathConfig {
  /** Number of blocks. Default 12. */
  readonly depth: number;
  /** Width. Default 384. */
  readonly dim: number;
  /** Attention heads; divides `dim`. Default 6. */
  readonly heads: number;
  /** Hidden width of the MLP in multiples of `dim`. Default 4. */
  readonly mlpRatio: number;
  /** Pixels a token on each side. Default 16. */
  readonly patchSize: number;
  /** Initial layer scale of both branches, or null for none. Default null; 1e-6 in DeiT-III. */
  readonly layerScale: number | null;
  /** Tokens with a position embedding: class token and patches, or patches only (DeiT-III). Default 'all'. */
  readonly positions: 'all' | 'patches';
}

const WEIGHT = truncatedNormal(0.02);
const EPSILON = 1e-6;

export const vit = defineFamily<VitConfig>({
  name: 'vit',
  fixedSize: true,
  defaults: {
    ...COMMON_DEFAULTS,
    stem: 'patch',
    depth: 12,
    dim: 384,
    heads: 6,
    mlpRatio: 4,
    patchSize: 16,
    layerScale: null,
    positions: 'all',
    dropPath: 0,
  },
  validate(name, { depth, dim, heads, mlpRatio, patchSize, imageSize, dropPath, layerScale, positions }) {
    requireLayerScale(name, layerScale);
    requireIntegers(name, { depth, dim, heads, mlpRatio, patchSize });
    requireDropPath(name, dropPath);
    if (dim % heads !== 0)
      throw new RevatError('mismatch', `${name}: dim ${dim} is not divisible by ${heads} heads.`);
    if (imageSize % patchSize !== 0) {
      throw new RevatError(
        'mismatch',
        `${name}: imageSize ${imageSize} is not divisible by patchSize ${patchSize}.`,
      );
    }
    if (positions !== 'all' && positions !== 'patches') {
      throw new RevatError(
        'invalid-argument',
        `${name}: positions must be 'all' or 'patches', got ${JSON.stringify(positions)}.`,
      );
    }
  },
  build,
  stages: () => ['patch_embed', 'blocks', 'norm', 'head'],
});

function build(scope: Scope, config: VitConfig): Network {
  const { dim, depth, numClasses, imageSize, patchSize, positions, dropPath } = config;
  const patches = (imageSize / patchSize) ** 2;
  const positioned = positions === 'all' ? patches + 1 : patches;
  const classToken = scope.declare<tf.Tensor3D>('cls_token', [1, 1, dim], { kind: 'normal', std: 1e-6 });
  const positionEmbedding = scope.declare<tf.Tensor3D>('pos_embed', [1, positioned, dim], WEIGHT);
  const stem = embedPatches(scope.child('patch_embed'), config);
  const blocks = dropRates(dropPath, depth).map((rate, i) => block(scope.child(`blocks.${i}`), rate, config));
  const norm = named(
    'norm',
    layerNorm<tf.Tensor3D>(scope.child('norm'), { channels: dim, epsilon: EPSILON }),
  );
  const head = linear<tf.Tensor2D>(scope.child('head'), {
    inFeatures: dim,
    outFeatures: numClasses,
    weightInitial: WEIGHT,
  });
  return {
    forward(images, pass) {
      const embedded = stem.forward(images, pass);
      const tokens =
        positions === 'all'
          ? tf.add<tf.Tensor3D>(prependToken(classToken(), embedded), positionEmbedding())
          : prependToken(classToken(), tf.add<tf.Tensor3D>(embedded, positionEmbedding()));
      const encoded = blocks.reduce((x, layer) => layer.forward(x, pass), tokens);
      return head.forward(firstToken(norm.forward(encoded, pass)), pass);
    },
    cost(shape, meter) {
      const [length] = stem.cost(shape, meter);
      const tokens = [length + 1, dim];
      for (const layer of blocks) layer.cost(tokens, meter);
      norm.cost(tokens, meter);
      return head.cost([dim], meter);
    },
  };
}

/** Images to tokens [B, L, D]. */
function embedPatches(scope: Scope, config: VitConfig): Layer<tf.Tensor4D, tf.Tensor3D> {
  const { inChannels, dim, patchSize } = config;
  const projection = scope.child('proj');
  const design = resolveStem(config.stem, {
    family: 'vit',
    channels: dim,
    stride: patchSize,
    convStem: 'table9-c1',
    nativeStem: 'patch',
  });
  const stem =
    typeof design === 'object'
      ? convStem(projection, design, inChannels, dim)
      : patchStem(projection, { inChannels, channels: dim, patch: patchSize });
  return named(scope.path, {
    forward: (images, pass) => flattenMap.forward(stem.forward(images, pass), pass),
    cost: (shape, meter) => flattenMap.cost(stem.cost(shape, meter), meter),
  });
}

/** z + ls1 attn(LN z), then z + ls2 mlp(LN z). */
function block(scope: Scope, dropRate: number, config: VitConfig): Layer<tf.Tensor3D> {
  const { dim, heads, mlpRatio, layerScale } = config;
  const norm = (name: string) =>
    layerNorm<tf.Tensor3D>(scope.child(name), { channels: dim, epsilon: EPSILON });
  const scale = (name: string) =>
    layerScale === null
      ? undefined
      : scope.child(name).declare<tf.Tensor1D>('gamma', [dim], { kind: 'constant', value: layerScale });
  const branches = [
    { norm: norm('norm1'), body: selfAttention(scope.child('attn'), dim, heads), scale: scale('ls1') },
    {
      norm: norm('norm2'),
      body: mlp<tf.Tensor3D>(scope.child('mlp'), dim, mlpRatio * dim),
      scale: scale('ls2'),
    },
  ];
  return named(scope.path, {
    forward: (tokens, pass) =>
      branches.reduce((x, branch) => {
        const y = branch.body.forward(branch.norm.forward(x, pass), pass);
        return tf.add(x, dropBranch(branch.scale ? tf.mul(y, branch.scale()) : y, dropRate, pass));
      }, tokens),
    cost: (shape, meter) =>
      branches.reduce((x, branch) => branch.body.cost(branch.norm.cost(x, meter), meter), shape),
  });
}
