import {
  depthwiseConv2d,
  layerNorm,
  named,
  sequential,
  truncatedNormal,
  ZEROS,
  type Layer,
  type Scope,
} from '@revat/stems';
import * as tf from '@tensorflow/tfjs-core';
import { mlp } from './mlp.js';
import { dropBranch } from './stochastic-depth.js';

export interface ConvNextBlockOptions {
  readonly channels: number;
  readonly kernelSize: number;
  readonly hidden: number;
  /** Initial gamma, or null for a block without layer scale. */
  readonly layerScale: number | null;
  readonly dropRate: number;
  /** timm's names, or Facebook's, which the isotropic networks keep. */
  readonly names: 'timm' | 'facebook';
}

const NAMES = {
  timm: { depthwise: 'conv_dw', mlp: 'mlp', layers: ['fc1', 'fc2'] },
  facebook: { depthwise: 'dwconv', mlp: '', layers: ['pwconv1', 'pwconv2'] },
} as const;

/**
 * x + gamma * MLP(LN(depthwise(x))) (Liu et al. 2022, section 2.6): the MLP is two 1x1 convolutions, written as matrix
 * products. [B, H, W, C] -> the same.
 */
export function convNextBlock(scope: Scope, options: ConvNextBlockOptions): Layer {
  const { channels, kernelSize, hidden, layerScale, dropRate } = options;
  const names = NAMES[options.names];
  // The state dict lists gamma first.
  const gamma =
    layerScale === null
      ? undefined
      : scope.declare<tf.Tensor1D>('gamma', [channels], { kind: 'constant', value: layerScale });
  const weightInitial = truncatedNormal(0.02);
  const branch = sequential<tf.Tensor4D>([
    depthwiseConv2d(scope.child(names.depthwise), {
      channels,
      kernel: kernelSize,
      weightInitial,
      biasInitial: ZEROS,
    }),
    layerNorm(scope.child('norm'), { channels, epsilon: 1e-6 }),
    mlp(names.mlp === '' ? scope : scope.child(names.mlp), channels, hidden, names.layers),
  ]);
  return named(scope.path, {
    forward(x, pass) {
      const y = branch.forward(x, pass);
      return tf.add(x, dropBranch(gamma ? tf.mul(y, gamma()) : y, dropRate, pass));
    },
    cost: (shape, meter) => branch.cost(shape, meter),
  });
}
