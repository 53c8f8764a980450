import { RevatError } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';
import { torchDefault, type InitialValues } from './initial-values.js';
import type { CostMeter, Layer, Shape } from './layer.js';
import type { Scope } from './scope.js';

export interface ConvolutionOptions {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernel: number;
  readonly stride?: number;
  /** Zeros on all four sides, as in PyTorch. TensorFlow's 'same' shifts by one pixel at stride 2 and is not offered. */
  readonly padding?: number;
  readonly bias?: boolean;
  /** Contiguous groups of input and output channels. */
  readonly groups?: number;
  /** Start of the weight; default PyTorch's uniform +-1/sqrt(fan_in), for the bias too. */
  readonly weightInitial?: InitialValues;
  readonly biasInitial?: InitialValues;
}

/** A convolution, `nn.Conv2d` under `scope`: [B, H, W, Cin] -> [B, H', W', Cout]. */
export function conv2d(scope: Scope, options: ConvolutionOptions): Layer {
  const { inChannels, outChannels, kernel, stride = 1, padding = 0, bias = true, groups = 1 } = options;
  const torchShape = [outChannels, inChannels / groups, kernel, kernel];
  const fanIn = (inChannels / groups) * kernel * kernel;
  const { weightInitial = torchDefault(fanIn), biasInitial = torchDefault(fanIn) } = options;
  const weight = scope.declare<tf.Tensor4D>('weight', torchShape, weightInitial, { layout: 'conv' });
  const offset = bias ? scope.declare<tf.Tensor1D>('bias', [outChannels], biasInitial) : undefined;
  const convolve = (x: tf.Tensor4D, filter: tf.Tensor4D) => tf.conv2d(x, filter, stride, padMode(padding));
  return {
    forward(x) {
      outputExtents(scope.path, x.shape.slice(1), kernel, stride, padding);
      const y = groups === 1 ? convolve(x, weight()) : convolveGroups(x, weight(), groups, convolve);
      return offset ? tf.add(y, offset()) : y;
    },
    cost(shape, meter) {
      const [height, width] = outputExtents(scope.path, shape, kernel, stride, padding);
      meter.add(scope.path, 'conv', height * width * outChannels * fanIn);
      return [height, width, outChannels];
    },
  };
}

export interface DepthwiseConvolutionOptions {
  readonly channels: number;
  readonly kernel: number;
  readonly padding?: number;
  readonly weightInitial?: InitialValues;
  readonly biasInitial?: InitialValues;
}

/** A depthwise convolution of stride 1 with bias, `nn.Conv2d(groups=channels)`: [B, H, W, C] -> [B, H', W', C]. */
export function depthwiseConv2d(scope: Scope, options: DepthwiseConvolutionOptions): Layer {
  const { channels, kernel, padding = (kernel - 1) / 2 } = options;
  const fallback = torchDefault(kernel * kernel);
  const { weightInitial = fallback, biasInitial = fallback } = options;
  const weight = scope.declare<tf.Tensor4D>('weight', [channels, 1, kernel, kernel], weightInitial, {
    layout: 'depthwise',
  });
  const bias = scope.declare<tf.Tensor1D>('bias', [channels], biasInitial);
  return {
    forward(x) {
      outputExtents(scope.path, x.shape.slice(1), kernel, 1, padding);
      return tf.add(tf.depthwiseConv2d(x, weight(), 1, padMode(padding)), bias());
    },
    cost: (shape, meter) => depthwiseCost(scope.path, shape, kernel, padding, meter),
  };
}

function depthwiseCost(path: string, shape: Shape, kernel: number, padding: number, meter: CostMeter): Shape {
  const [height, width] = outputExtents(path, shape, kernel, 1, padding);
  meter.add(path, 'conv', height * width * shape[2] * kernel * kernel);
  return [height, width, shape[2]];
}

/** tfjs groups nothing itself: slices both sides and concatenates. filter: [kh, kw, Cin/groups, Cout]. */
function convolveGroups(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  groups: number,
  convolve: (x: tf.Tensor4D, filter: tf.Tensor4D) => tf.Tensor4D,
): tf.Tensor4D {
  const inputs = tf.split<tf.Tensor4D>(x, groups, 3);
  const filters = tf.split<tf.Tensor4D>(filter, groups, 3);
  return tf.concat(
    inputs.map((input, group) => convolve(input, filters[group])),
    3,
  );
}

function padMode(padding: number): 'valid' | number {
  return padding === 0 ? 'valid' : padding;
}

/**
 * PyTorch's output extents: floor((extent + 2 padding - kernel) / stride) + 1. Throws RevatError 'mismatch' if nothing is left.
 */
function outputExtents(
  path: string,
  shape: Shape,
  kernel: number,
  stride: number,
  padding: number,
): [number, number] {
  const extent = (input: number) => Math.floor((input + 2 * padding - kernel) / stride) + 1;
  const extents: [number, number] = [extent(shape[0]), extent(shape[1])];
  if (Math.min(...extents) >= 1) return extents;
  throw new RevatError(
    'mismatch',
    `${path}: a map of ${shape[0]} x ${shape[1]} is too small for a kernel of ${kernel} x ${kernel}. Give larger images.`,
  );
}
