import { RevatError } from '@revat/core';
import {
  batchNorm,
  conv2d,
  convStem,
  elementwise,
  named,
  patchStem,
  resolveStem,
  sequential,
  ZEROS,
  type InitialValues,
  type Layer,
  type Scope,
} from '@revat/stems';
import * as tf from '@tensorflow/tfjs-core';
import { defineFamily } from './family.js';
import { globalPool } from './layers/global-pool.js';
import { linear } from './layers/linear.js';
import {
  COMMON_DEFAULTS,
  requireIntegers,
  requirePositive,
  type CommonConfig,
  type StemConfig,
} from './model-config.js';
import type { Network } from './model.js';

/**
 * RobArch (Peng et al. 2023, "RobArch: Designing Robust Architectures against Adversarial Attacks"): bottlenecks with
 * grouped convolutions, squeeze and excitation and SiLU. Normalises inside, with buffers of the checkpoint. Names are those
 * of RobustBench.
 */
export interface RobArchConfig extends CommonConfig, StemConfig {
  /** Blocks of each stage. */
  readonly depths: readonly number[];
  /** Output width of each stage. */
  readonly widths: readonly number[];
  /** Inner width of a block as a fraction of its width. Default 0.25. */
  readonly bottleneckRatio: number;
  /** Groups of the 3x3 convolution. Default 2. */
  readonly groups: number;
  /** Width of the stem. Default 96. */
  readonly stemWidth: number;
  /** Inner width of the squeeze as a fraction of the width that enters the block. Default 0.25. */
  readonly squeezeRatio: number;
}

export const robarch = defineFamily<RobArchConfig>({
  name: 'robarch',
  defaults: {
    ...COMMON_DEFAULTS,
    stem: 'native',
    depths: [5, 8, 13, 1],
    widths: [288, 576, 1120, 2160],
    bottleneckRatio: 0.25,
    groups: 2,
    stemWidth: 96,
    squeezeRatio: 0.25,
  },
  validate(name, { depths, widths, groups, stemWidth, bottleneckRatio, squeezeRatio, inChannels }) {
    requirePositive(name, { bottleneckRatio, squeezeRatio });
    requireIntegers(name, { depths, widths, groups, stemWidth });
    if (depths.length !== widths.length)
      throw new RevatError('mismatch', `${name}: depths and widths need one entry a stage each.`);
    if (widths.some((width) => (bottleneckRatio * width) % groups !== 0)) {
      throw new RevatError(
        'mismatch',
        `${name}: bottleneckRatio * width must be a multiple of ${groups} groups in every stage.`,
      );
    }
    if (inChannels !== 3)
      throw new RevatError('invalid-argument', `${name}: takes 3 channels, got ${inChannels}.`);
  },
  build,
  stages: ({ depths }) => ['stem', ...depths.map((_, i) => `stages.stage${i + 1}`), 'avgpool', 'fc'],
});

function build(scope: Scope, config: RobArchConfig): Network {
  const { depths, widths, stemWidth, numClasses } = config;
  const layers = [named('stem', stem(scope.child('stem'), config))];
  depths.forEach((depth, i) => {
    const inWidth = i === 0 ? stemWidth : widths[i - 1];
    layers.push(stage(scope.child(`stages.stage${i + 1}`), depth, inWidth, widths[i], config));
  });
  const body = sequential(layers);
  const pool = globalPool('avgpool', { counted: true });
  const fc = linear<tf.Tensor2D>(scope.child('fc'), {
    inFeatures: widths[widths.length - 1],
    outFeatures: numClasses,
    weightInitial: { kind: 'normal', std: 0.01 },
  });
  const normalise = normalisation(scope.child('normalization'));
  return {
    forward: (images, pass) => fc.forward(pool.forward(body.forward(normalise(images), pass), pass), pass),
    cost: (shape, meter) => fc.cost(pool.cost(body.cost(shape, meter), meter), meter),
  };
}

/** (x - mean) / std with ImageNet's statistics, which the checkpoint carries as buffers. */
function normalisation(scope: Scope): (images: tf.Tensor4D) => tf.Tensor4D {
  const buffer = (name: string, values: readonly number[]) =>
    scope.declare<tf.Tensor1D>(name, [3], { kind: 'given', values }, { kind: 'buffer' });
  const mean = buffer('mean', [0.485, 0.456, 0.406]);
  const std = buffer('std', [0.229, 0.224, 0.225]);
  return (images) => tf.div(tf.sub(images, mean()), std());
}

function stem(scope: Scope, { stem: option, inChannels, stemWidth }: RobArchConfig): Layer {
  const design = resolveStem(option, {
    family: 'robarch',
    channels: stemWidth,
    stride: 2,
    convStem: 'native',
  });
  if (design === 'patch') {
    const norm = { scope: scope.child(1), epsilon: 1e-6 };
    return patchStem(scope.child(0), { inChannels, channels: stemWidth, patch: 2, norm });
  }
  if (design !== 'native') return convStem(scope, design, inChannels, stemWidth);
  const place = scope.child('stem.stem');
  return sequential([
    convolution(place.child(0), inChannels, stemWidth, 7, 2),
    batchNorm(place.child(1), stemWidth),
    elementwise<tf.Tensor4D>((x) => tf.relu(x)),
  ]);
}

function stage(scope: Scope, depth: number, inWidth: number, width: number, config: RobArchConfig): Layer {
  const name = scope.path.split('.').at(-1) as string;
  const blocks = Array.from({ length: depth }, (_, i) =>
    block(scope.child(`${name}-block${i}`), i === 0 ? inWidth : width, width, i === 0 ? 2 : 1, config),
  );
  return named(scope.path, sequential(blocks));
}

function block(scope: Scope, inWidth: number, width: number, stride: number, config: RobArchConfig): Layer {
  const { bottleneckRatio, groups, squeezeRatio } = config;
  const inner = Math.round(bottleneckRatio * width);
  const place = scope.child('F');
  const at = (part: string, layers: (child: Scope) => Layer[]) =>
    named(`${place.path}.${part}`, sequential(layers(place.child(part))));
  const shortcut =
    stride !== 1 || inWidth !== width
      ? sequential([
          convolution(scope.child('proj.0'), inWidth, width, 1, stride),
          batchNorm(scope.child('proj.1'), width),
        ])
      : undefined;
  const residual = sequential([
    at('a', (child) => [convolution(child.child(0), inWidth, inner, 1, 1), silu]),
    at('b', (child) => [
      convolution(child.child(0), inner, inner, 3, stride, groups),
      batchNorm(child.child(1), inner),
      silu,
    ]),
    at('se', (child) => [squeezeExcitation(child, inner, Math.round(squeezeRatio * inWidth))]),
    at('c', (child) => [convolution(child.child(0), inner, width, 1, 1), batchNorm(child.child(1), width)]),
  ]);
  return named(scope.path, {
    forward: (x, pass) =>
      silu.forward(
        tf.add<tf.Tensor4D>(shortcut ? shortcut.forward(x, pass) : x, residual.forward(x, pass)),
        pass,
      ),
    cost(shape, meter) {
      shortcut?.cost(shape, meter);
      return residual.cost(shape, meter);
    },
  });
}

/** x * sigmoid(fc2(ReLU(fc1(mean x)))), one factor a channel (Hu et al. 2018). */
function squeezeExcitation(scope: Scope, channels: number, inner: number): Layer {
  const pool = globalPool(`${scope.path}.avgpool`, { counted: true });
  const pointwise = (name: string, inChannels: number, outChannels: number) =>
    conv2d(scope.child(name), {
      inChannels,
      outChannels,
      kernel: 1,
      weightInitial: convolutionInitial(outChannels, 1),
      biasInitial: ZEROS,
    });
  const reduce = pointwise('fc1', channels, inner);
  const expand = pointwise('fc2', inner, channels);
  return {
    forward(x, pass) {
      const mean = tf.reshape<tf.Rank.R4>(pool.forward(x, pass), [x.shape[0], 1, 1, channels]); // [B, 1, 1, C]
      const hidden = tf.relu<tf.Tensor4D>(reduce.forward(mean, pass));
      const factors = tf.sigmoid(expand.forward(hidden, pass));
      return tf.mul(x, factors);
    },
    cost(shape, meter) {
      pool.cost(shape, meter);
      expand.cost(reduce.cost([1, 1, channels], meter), meter);
      return shape;
    },
  };
}

function convolution(
  scope: Scope,
  inChannels: number,
  outChannels: number,
  kernel: number,
  stride: number,
  groups = 1,
): Layer {
  return conv2d(scope, {
    inChannels,
    outChannels,
    kernel,
    stride,
    padding: (kernel - 1) / 2,
    bias: false,
    groups,
    weightInitial: convolutionInitial(outChannels, kernel),
  });
}

function convolutionInitial(outChannels: number, kernel: number): InitialValues {
  return { kind: 'normal', std: Math.sqrt(2 / (kernel * kernel * outChannels)) };
}

const silu = elementwise<tf.Tensor4D>((x) => tf.mul<tf.Tensor4D>(x, tf.sigmoid(x)));
