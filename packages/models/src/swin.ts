import { RevatError } from '@revat/core';
import {
  convStem,
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
import { globalPool } from './layers/global-pool.js';
import { linear } from './layers/linear.js';
import { mlp } from './layers/mlp.js';
import { dropBranch, dropRates } from './layers/stochastic-depth.js';
import { windowAttention } from './layers/window-attention.js';
import {
  COMMON_DEFAULTS,
  requireDropPath,
  requireIntegers,
  type CommonConfig,
  type DropPathConfig,
  type StemConfig,
} from './model-config.js';
import type { Network } from './model.js';

/** Swin transformer (Liu et al. 2021). Names are those of current timm: patch merging belongs to the stage that follows. */
export interface SwinConfig extends CommonConfig, StemConfig, DropPathConfig {
  /** Blocks of each stage. Default [2, 2, 18, 2]. */
  readonly depths: readonly number[];
  /** Width of the first stage; doubles from stage to stage. Default 128. */
  readonly dim: number;
  /** Attention heads of each stage. Default [4, 8, 16, 32]. */
  readonly heads: readonly number[];
  /** Side of a window in tokens. Default 7. */
  readonly window: number;
  /** Hidden width of the MLP in multiples of the width. Default 4. */
  readonly mlpRatio: number;
  /** Pixels a token on each side. Default 4. */
  readonly patchSize: number;
}

const WEIGHT = truncatedNormal(0.02);
const EPSILON = 1e-5;

export const swin = defineFamily<SwinConfig>({
  name: 'swin',
  fixedSize: true,
  defaults: {
    ...COMMON_DEFAULTS,
    stem: 'patch',
    depths: [2, 2, 18, 2],
    dim: 128,
    heads: [4, 8, 16, 32],
    window: 7,
    mlpRatio: 4,
    patchSize: 4,
    dropPath: 0,
  },
  validate: validateSwin,
  build,
  stages: ({ depths }) => ['patch_embed', ...depths.map((_, i) => `layers.${i}`), 'norm', 'head'],
});

function validateSwin(name: string, config: SwinConfig): void {
  const { depths, dim, heads, window, mlpRatio, patchSize, imageSize } = config;
  requireIntegers(name, { depths, dim, heads, window, mlpRatio, patchSize });
  requireDropPath(name, config.dropPath);
  if (heads.length !== depths.length)
    throw new RevatError('mismatch', `${name}: depths and heads need one entry a stage each.`);
  depths.forEach((_, i) => {
    const extent = imageSize / patchSize / 2 ** i;
    const side = Math.min(window, extent);
    if (!Number.isInteger(extent) || extent % side !== 0) {
      throw new RevatError(
        'mismatch',
        `${name}: stage ${i} has ${extent} tokens a side, not a multiple of the window ${window}. Change imageSize or window.`,
      );
    }
    if ((dim * 2 ** i) % heads[i] !== 0) {
      throw new RevatError(
        'mismatch',
        `${name}: stage ${i} has width ${dim * 2 ** i}, not divisible by ${heads[i]} heads.`,
      );
    }
  });
}

function build(scope: Scope, config: SwinConfig): Network {
  const { depths, dim, numClasses, dropPath } = config;
  const rates = dropRates(
    dropPath,
    depths.reduce((sum, depth) => sum + depth, 0),
  );
  const channels = dim * 2 ** (depths.length - 1);
  const body = sequential([
    named('patch_embed', stem(scope.child('patch_embed'), config)),
    ...depths.map((_, i) => stage(scope.child(`layers.${i}`), i, rates, config)),
    named('norm', layerNorm(scope.child('norm'), { channels, epsilon: EPSILON })),
  ]);
  const pool = globalPool('global_pool', { counted: false });
  const fc = linear<tf.Tensor2D>(scope.child('head.fc'), {
    inFeatures: channels,
    outFeatures: numClasses,
    weightInitial: WEIGHT,
  });
  return {
    forward: (images, pass) => fc.forward(pool.forward(body.forward(images, pass), pass), pass),
    cost: (shape, meter) => fc.cost(pool.cost(body.cost(shape, meter), meter), meter),
  };
}

function stem(scope: Scope, { stem: option, inChannels, dim, patchSize }: SwinConfig): Layer {
  const design = resolveStem(option, {
    family: 'swin',
    channels: dim,
    stride: patchSize,
    convStem: 'table8-c2',
    nativeStem: 'patch',
  });
  if (typeof design === 'object') return convStem(scope.child('proj'), design, inChannels, dim);
  const norm = { scope: scope.child('norm'), epsilon: EPSILON };
  return patchStem(scope.child('proj'), { inChannels, channels: dim, patch: patchSize, norm });
}

function stage(scope: Scope, index: number, rates: readonly number[], config: SwinConfig): Layer {
  const { depths, dim, heads, window, mlpRatio, imageSize, patchSize } = config;
  const channels = dim * 2 ** index;
  const extent = imageSize / patchSize / 2 ** index;
  const before = depths.slice(0, index).reduce((sum, depth) => sum + depth, 0);
  // Declared before the blocks, as in the state dict.
  const layers = index > 0 ? [patchMerging(scope.child('downsample'), channels / 2, channels)] : [];
  for (let j = 0; j < depths[index]; j++) {
    layers.push(
      block(scope.child(`blocks.${j}`), {
        channels,
        heads: heads[index],
        hidden: mlpRatio * channels,
        extent,
        // A window that covers the map is shrunk to it and never shifted.
        window: Math.min(window, extent),
        shift: j % 2 === 0 || extent <= window ? 0 : Math.floor(window / 2),
        dropRate: rates[before + j],
      }),
    );
  }
  return named(scope.path, sequential(layers));
}

interface SwinBlockOptions {
  readonly channels: number;
  readonly heads: number;
  readonly hidden: number;
  readonly extent: number;
  readonly window: number;
  readonly shift: number;
  readonly dropRate: number;
}

/** x + attention(LN x), then x + MLP(LN x). [B, H, W, C]. */
function block(scope: Scope, options: SwinBlockOptions): Layer {
  const { channels, hidden, dropRate } = options;
  const norm = (name: string) => layerNorm(scope.child(name), { channels, epsilon: EPSILON });
  const [norm1, attention] = [norm('norm1'), windowAttention(scope.child('attn'), options)];
  const branches = [
    sequential([norm1, attention]),
    sequential([norm('norm2'), mlp<tf.Tensor4D>(scope.child('mlp'), channels, hidden)]),
  ];
  return named(scope.path, {
    forward: (input, pass) =>
      branches.reduce((x, branch) => tf.add(x, dropBranch(branch.forward(x, pass), dropRate, pass)), input),
    cost: (shape, meter) => branches.reduce((x, branch) => branch.cost(x, meter), shape),
  });
}

/** 2x2 neighbours side by side, LayerNorm over 4C, linear to 2C without bias: [B, H, W, C] -> [B, H/2, W/2, 2C]. */
function patchMerging(scope: Scope, inChannels: number, outChannels: number): Layer {
  const norm = layerNorm(scope.child('norm'), { channels: 4 * inChannels, epsilon: EPSILON });
  const reduction = linear(scope.child('reduction'), {
    inFeatures: 4 * inChannels,
    outFeatures: outChannels,
    bias: false,
    weightInitial: WEIGHT,
  });
  return {
    forward: (x, pass) => reduction.forward(norm.forward(gatherNeighbours(x), pass), pass),
    cost: ([height, width, channels], meter) =>
      reduction.cost(norm.cost([height / 2, width / 2, 4 * channels], meter), meter),
  };
}

/** Order of the 4C: (even row, even column), (odd, even), (even, odd), (odd, odd). */
function gatherNeighbours(x: tf.Tensor4D): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  const pairs = tf.reshape(x, [batch, height / 2, 2, width / 2, 2, channels]); // [B, H/2, row parity, W/2, column parity, C]
  const ordered = tf.transpose(pairs, [0, 1, 3, 4, 2, 5]); // column parity outside row parity
  return tf.reshape(ordered, [batch, height / 2, width / 2, 4 * channels]); // [B, H/2, W/2, 4 C]
}
