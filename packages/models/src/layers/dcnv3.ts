import { gelu } from '@revat/core';
import {
  depthwiseConv2d,
  elementwise,
  layerNorm,
  named,
  sequential,
  ZEROS,
  type InitialValues,
  type Layer,
  type Scope,
} from '@revat/stems';
import * as tf from '@tensorflow/tfjs-core';
import { bilinearSum } from './bilinear-sum.js';
import { linear } from './linear.js';

export interface DeformableConvolutionOptions {
  readonly channels: number;
  readonly groups: number;
  /** Factor on the predicted offsets. Default 1. */
  readonly offsetScale: number;
}

/** The 3x3 kernel's points (x, y), x outer: the order in which offsets and masks are predicted. */
const KERNEL_POINTS = [-1, 0, 1].flatMap((x) => [-1, 0, 1].map((y) => [x, y] as const));
const POINTS = KERNEL_POINTS.length;

/**
 * Deformable convolution v3 (Wang et al. 2023, InternImage, equation 2): every pixel and group takes nine bilinear samples of
 * the projected input at predicted offsets and weighs them by a softmax. [B, H, W, C] -> the same.
 *
 * The reference pads the projected input by one pixel of zeros and reads zero outside of that, which is the same as reading
 * zero outside of the unpadded map, as is done here.
 */
export function deformableConvolution(scope: Scope, options: DeformableConvolutionOptions): Layer {
  const { channels, groups, offsetScale } = options;
  const context = sequential([
    depthwiseConv2d(scope.child('dw_conv.0'), { channels, kernel: 3 }),
    layerNorm(scope.child('dw_conv.1.1'), { channels, epsilon: 1e-6 }),
    elementwise<tf.Tensor4D>(gelu),
  ]);
  const zeros = { inFeatures: channels, weightInitial: ZEROS };
  const offset = linear(scope.child('offset'), { ...zeros, outFeatures: groups * POINTS * 2 });
  const mask = linear(scope.child('mask'), { ...zeros, outFeatures: groups * POINTS });
  const xavier: InitialValues = { kind: 'uniform', bound: Math.sqrt(3 / channels) };
  const square = { inFeatures: channels, outFeatures: channels, weightInitial: xavier };
  const inputProjection = linear(scope.child('input_proj'), square);
  const outputProjection = linear(scope.child('output_proj'), square);

  return named(scope.path, {
    forward(x, pass) {
      const [batch, height, width] = x.shape;
      const value = inputProjection.forward(x, pass);
      const hints = context.forward(x, pass);
      const perPoint = [batch, height, width, groups, POINTS];
      const weights = tf.softmax(tf.reshape(mask.forward(hints, pass), perPoint)); // [B, H, W, G, 9]
      const offsets = tf.reshape(offset.forward(hints, pass), [...perPoint, 2]); // [B, H, W, G, 9, (x, y)]
      const [dx, dy] = tf.unstack(tf.mul(offsets, offsetScale), -1);
      const grid = samplingGrid(height, width);
      const sampled = bilinearSum(value, tf.add(grid.x, dx), tf.add(grid.y, dy), weights);
      return outputProjection.forward(sampled, pass);
    },
    cost(shape, meter) {
      inputProjection.cost(shape, meter);
      context.cost(shape, meter);
      offset.cost(shape, meter);
      mask.cost(shape, meter);
      return outputProjection.cost(shape, meter);
    },
  });
}

/** Undisturbed sampling places of every pixel, [1, H, W, 1, 9] each. */
function samplingGrid(height: number, width: number): { x: tf.Tensor; y: tf.Tensor } {
  const [x, y] = [new Float32Array(height * width * POINTS), new Float32Array(height * width * POINTS)];
  for (let i = 0; i < height * width; i++) {
    KERNEL_POINTS.forEach(([kx, ky], point) => {
      x[i * POINTS + point] = (i % width) + kx;
      y[i * POINTS + point] = Math.floor(i / width) + ky;
    });
  }
  const shape = [1, height, width, 1, POINTS];
  return { x: tf.tensor(x, shape), y: tf.tensor(y, shape) };
}
