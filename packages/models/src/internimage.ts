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
import { deformableConvolution } from './layers/dcnv3.js';
import { globalPool } from './layers/global-pool.js';
import { linear } from './layers/linear.js';
import { mlp } from './layers/mlp.js';
import { dropBranch, dropRates } from './layers/stochastic-depth.js';
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
 * InternImage (Wang et al. 2023): blocks of deformable convolution v3 and MLP, without layer scale as in the published
 * classification configurations. Names are those of OpenGVLab's checkpoints; those of its PatchStem variant (Table 13 of
 * the paper) were not published and are ours.
 */
export interface InternImageConfig extends CommonConfig, StemConfig, DropPathConfig {
  /** Blocks of each level. Default [4, 4, 18, 4]. */
  readonly depths: readonly number[];
  /** Width of the first level; doubles from level to level. Default 64. */
  readonly dim: number;
  /** Groups of the deformable convolution in each level. Default [4, 8, 16, 32]. */
  readonly groups: readonly number[];
  /** Hidden width of the MLP in multiples of the width. Default 4. */
  readonly mlpRatio: number;
  /** Factor on the predicted offsets. Default 1. */
  readonly offsetScale: number;
  /** Width of the head's convolution in multiples of the last width. Default 1.5. */
  readonly headRatio: number;
}

const WEIGHT = truncatedNormal(0.02);
const EPSILON = 1e-6;

export const internimage = defineFamily<InternImageConfig>({
  name: 'internimage',
  defaults: {
    ...COMMON_DEFAULTS,
    stem: 'native',
    depths: [4, 4, 18, 4],
    dim: 64,
    groups: [4, 8, 16, 32],
    mlpRatio: 4,
    offsetScale: 1,
    headRatio: 1.5,
    dropPath: 0,
  },
  validate(name, { depths, dim, groups, mlpRatio, offsetScale, headRatio, dropPath }) {
    requirePositive(name, { offsetScale, headRatio });
    requireIntegers(name, { depths, dim, groups, mlpRatio });
    requireDropPath(name, dropPath);
    if (depths.length !== groups.length)
      throw new RevatError('mismatch', `${name}: depths and groups need one entry a level each.`);
    depths.forEach((_, i) => {
      if ((dim * 2 ** i) % groups[i] === 0) return;
      throw new RevatError(
        'mismatch',
        `${name}: level ${i} has width ${dim * 2 ** i}, not divisible by ${groups[i]} groups.`,
      );
    });
  },
  build,
  stages: ({ depths }) => [
    'patch_embed',
    ...depths.map((_, i) => `levels.${i}`),
    'conv_head',
    'avgpool',
    'head',
  ],
});

function build(scope: Scope, config: InternImageConfig): Network {
  const { depths, dim, headRatio, numClasses, dropPath } = config;
  const rates = dropRates(
    dropPath,
    depths.reduce((sum, depth) => sum + depth, 0),
  );
  const channels = dim * 2 ** (depths.length - 1);
  const features = Math.round(headRatio * channels);
  const convHead = scope.child('conv_head');
  const body = sequential([
    named('patch_embed', stem(scope.child('patch_embed'), config)),
    ...depths.map((_, i) => level(scope.child(`levels.${i}`), i, rates, config)),
    named(
      convHead.path,
      sequential([
        conv2d(convHead.child(0), { inChannels: channels, outChannels: features, kernel: 1, bias: false }),
        batchNorm(convHead.child('1.0'), features),
        elementwise<tf.Tensor4D>(gelu),
      ]),
    ),
  ]);
  const pool = globalPool('avgpool', { counted: true });
  const head = linear<tf.Tensor2D>(scope.child('head'), {
    inFeatures: features,
    outFeatures: numClasses,
    weightInitial: WEIGHT,
  });
  return {
    forward: (images, pass) => head.forward(pool.forward(body.forward(images, pass), pass), pass),
    cost: (shape, meter) => head.cost(pool.cost(body.cost(shape, meter), meter), meter),
  };
}

/** Two convolutions of stride 2 with LayerNorm, GELU after the first only; or the PatchStem of ConvNeXt. */
function stem(scope: Scope, { stem: option, inChannels, dim }: InternImageConfig): Layer {
  const design = resolveStem(option, { family: 'internimage', channels: dim, stride: 4, convStem: 'native' });
  if (design === 'patch') {
    const norm = { scope: scope.child('norm.1'), epsilon: EPSILON };
    return patchStem(scope.child('conv'), { inChannels, channels: dim, patch: 4, norm });
  }
  if (design !== 'native') return convStem(scope, design, inChannels, dim);
  const halving = { kernel: 3, stride: 2, padding: 1 };
  const inner = Math.floor(dim / 2);
  return sequential([
    conv2d(scope.child('conv1'), { inChannels, outChannels: inner, ...halving }),
    layerNorm(scope.child('norm1.1'), { channels: inner, epsilon: EPSILON }),
    elementwise<tf.Tensor4D>(gelu),
    conv2d(scope.child('conv2'), { inChannels: inner, outChannels: dim, ...halving }),
    layerNorm(scope.child('norm2.1'), { channels: dim, epsilon: EPSILON }),
  ]);
}

/** Blocks, LayerNorm, and before the next level a convolution of stride 2 without bias and another LayerNorm. */
function level(scope: Scope, index: number, rates: readonly number[], config: InternImageConfig): Layer {
  const { depths, dim } = config;
  const channels = dim * 2 ** index;
  const before = depths.slice(0, index).reduce((sum, depth) => sum + depth, 0);
  const layers = Array.from({ length: depths[index] }, (_, j) =>
    block(scope.child(`blocks.${j}`), index, rates[before + j], config),
  );
  layers.push(layerNorm(scope.child('norm.0'), { channels, epsilon: EPSILON }));
  if (index < depths.length - 1) {
    const next = { inChannels: channels, outChannels: 2 * channels, kernel: 3, stride: 2, padding: 1 };
    layers.push(
      conv2d(scope.child('downsample.conv'), { ...next, bias: false }),
      layerNorm(scope.child('downsample.norm.1'), { channels: 2 * channels, epsilon: EPSILON }),
    );
  }
  return named(scope.path, sequential(layers));
}

/** x + DCN(LN x), then x + MLP(LN x). */
function block(scope: Scope, index: number, dropRate: number, config: InternImageConfig): Layer {
  const { dim, groups, mlpRatio, offsetScale } = config;
  const channels = dim * 2 ** index;
  const norm = (name: string) => layerNorm(scope.child(`${name}.0`), { channels, epsilon: EPSILON });
  const sampling = { channels, groups: groups[index], offsetScale };
  const branches = [
    sequential([norm('norm1'), deformableConvolution(scope.child('dcn'), sampling)]),
    sequential([norm('norm2'), mlp<tf.Tensor4D>(scope.child('mlp'), channels, mlpRatio * channels)]),
  ];
  return named(scope.path, {
    forward: (input, pass) =>
      branches.reduce((x, branch) => tf.add(x, dropBranch(branch.forward(x, pass), dropRate, pass)), input),
    cost: (shape, meter) => branches.reduce((x, branch) => branch.cost(x, meter), shape),
  });
}
