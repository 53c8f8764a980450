import {
  batchNorm,
  conv2d,
  convStem,
  named,
  ONES,
  patchStem,
  resolveStem,
  sequential,
  torchDefault,
  ZEROS,
  type InitialValues,
  type Layer,
  type Scope,
} from '@revat/stems';
import * as tf from '@tensorflow/tfjs-core';
import { RevatError } from '@revat/core';
import { defineFamily } from './family.js';
import { globalPool } from './layers/global-pool.js';
import { linear } from './layers/linear.js';
import { COMMON_DEFAULTS, requireIntegers, type CommonConfig, type StemConfig } from './model-config.js';
import type { Network } from './model.js';

/**
 * ResNet with bottleneck blocks, stride in the 3x3 convolution (He et al. 2016; "v1.5"), and Wide ResNet (Zagoruyko and
 * Komodakis 2016; torchvision's `wide_resnet50_2`). Names are those of torchvision and timm.
 */
export interface ResNetConfig extends CommonConfig, StemConfig {
  /** Blocks of each layer group. Default [3, 4, 6, 3]. */
  readonly depths: readonly number[];
  /** Quarter of the output width of each group. Default [64, 128, 256, 512]. */
  readonly planes: readonly number[];
  /** Inner width of a block is planes * baseWidth / 64: 64 as published, 128 in the wide network. Default 64. */
  readonly baseWidth: number;
  /** Width of the stem. Default 64. */
  readonly stemWidth: number;
  /** Start the last norm of each block at 0 (timm) instead of 1 (torchvision). Default true. */
  readonly zeroInitLast: boolean;
}

const EXPANSION = 4;

export const resnet = defineFamily<ResNetConfig>({
  name: 'resnet',
  defaults: {
    ...COMMON_DEFAULTS,
    stem: 'native',
    depths: [3, 4, 6, 3],
    planes: [64, 128, 256, 512],
    baseWidth: 64,
    stemWidth: 64,
    zeroInitLast: true,
  },
  validate(name, { depths, planes, baseWidth, stemWidth }) {
    requireIntegers(name, { depths, planes, baseWidth, stemWidth });
    if (depths.length !== planes.length)
      throw new RevatError('mismatch', `${name}: depths and planes need one entry a layer group each.`);
  },
  build,
  stages: ({ depths }) => [
    { name: 'stem', paths: ['stem', 'conv1', 'bn1'] },
    ...depths.map((_, i) => `layer${i + 1}`),
    'global_pool',
    'fc',
  ],
});

function build(scope: Scope, config: ResNetConfig): Network {
  const { depths, planes, stemWidth, numClasses } = config;
  const layers = [stem(scope, config)];
  depths.forEach((depth, i) => {
    const inChannels = i === 0 ? stemWidth : EXPANSION * planes[i - 1];
    const stride = i === 0 ? 1 : 2;
    layers.push(layerGroup(scope.child(`layer${i + 1}`), depth, inChannels, stride, planes[i], config));
  });
  const body = sequential(layers);
  const pool = globalPool('global_pool', { counted: true });
  const features = EXPANSION * planes[planes.length - 1];
  const fc = linear<tf.Tensor2D>(scope.child('fc'), {
    inFeatures: features,
    outFeatures: numClasses,
    weightInitial: torchDefault(features),
    biasInitial: torchDefault(features),
  });
  return {
    forward: (images, pass) => fc.forward(pool.forward(body.forward(images, pass), pass), pass),
    cost: (shape, meter) => fc.cost(pool.cost(body.cost(shape, meter), meter), meter),
  };
}

function stem(scope: Scope, { stem: option, inChannels, stemWidth }: ResNetConfig): Layer {
  const design = resolveStem(option, {
    family: 'resnet',
    channels: stemWidth,
    stride: 4,
    convStem: 'native',
  });
  if (design === 'patch') {
    const place = scope.child('stem');
    return patchStem(place.child(0), {
      inChannels,
      channels: stemWidth,
      patch: 4,
      norm: { scope: place.child(1), epsilon: 1e-6 },
    });
  }
  if (design !== 'native') return convStem(scope.child('stem'), design, inChannels, stemWidth);
  return sequential([
    convolution(scope.child('conv1'), inChannels, stemWidth, 7, 2),
    named('bn1', batchNorm(scope.child('bn1'), stemWidth)),
    relu,
    named('maxpool', maxPool),
  ]);
}

function layerGroup(
  scope: Scope,
  depth: number,
  inChannels: number,
  stride: number,
  planes: number,
  config: ResNetConfig,
): Layer {
  const blocks = Array.from({ length: depth }, (_, i) =>
    i === 0
      ? bottleneck(scope.child(i), inChannels, planes, stride, config)
      : bottleneck(scope.child(i), EXPANSION * planes, planes, 1, config),
  );
  return named(scope.path, sequential(blocks));
}

function bottleneck(
  scope: Scope,
  inChannels: number,
  planes: number,
  stride: number,
  { baseWidth, zeroInitLast }: ResNetConfig,
): Layer {
  const inner = Math.floor((planes * baseWidth) / 64);
  const outChannels = EXPANSION * planes;
  const norm = (i: number, channels: number, weight?: InitialValues) =>
    batchNorm(scope.child(`bn${i}`), channels, weight);
  const residual = sequential([
    convolution(scope.child('conv1'), inChannels, inner, 1, 1),
    norm(1, inner),
    relu,
    convolution(scope.child('conv2'), inner, inner, 3, stride),
    norm(2, inner),
    relu,
    convolution(scope.child('conv3'), inner, outChannels, 1, 1),
    norm(3, outChannels, zeroInitLast ? ZEROS : ONES),
  ]);
  const projected = stride !== 1 || inChannels !== outChannels;
  const shortcut = projected
    ? sequential([
        convolution(scope.child('downsample.0'), inChannels, outChannels, 1, stride),
        batchNorm(scope.child('downsample.1'), outChannels),
      ])
    : undefined;
  return named(scope.path, {
    forward: (x, pass) =>
      tf.relu(tf.add(residual.forward(x, pass), shortcut ? shortcut.forward(x, pass) : x)),
    cost(shape, meter) {
      shortcut?.cost(shape, meter);
      return residual.cost(shape, meter);
    },
  });
}

/** A convolution without bias, padded to keep the extents up to the stride; Kaiming normal by fan-out. */
function convolution(
  scope: Scope,
  inChannels: number,
  outChannels: number,
  kernel: number,
  stride: number,
): Layer {
  return conv2d(scope, {
    inChannels,
    outChannels,
    kernel,
    stride,
    padding: (kernel - 1) / 2,
    bias: false,
    weightInitial: { kind: 'normal', std: Math.sqrt(2 / (outChannels * kernel * kernel)) },
  });
}

const relu: Layer = { forward: (x) => tf.relu(x), cost: (shape) => shape };

const maxPool: Layer = {
  forward: (x) => tf.maxPool(x, 3, 2, 1),
  cost: ([height, width, channels]) => [
    Math.floor((height - 1) / 2) + 1,
    Math.floor((width - 1) / 2) + 1,
    channels,
  ],
};
