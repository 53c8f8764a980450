import { gelu } from '@revat/core';
import {
  depthwiseConv2d,
  elementwise,
  layerNorm,
  named,
  sequential,
  sizeOf,
  ZEROS,
  type InitialValues,
  type Layer,
  type Scope,
} from '@revat/stems';
import * as tf from '@tensorflow/tfjs-core';
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
      const offsets = tf.mul(tf.reshape(offset.forward(hints, pass), [...perPoint, 2]), offsetScale); // [B, H, W, G, 9, 2]
      const sampled = sampleGroups(value, offsets, weights, groups);
      return outputProjection.forward(tf.reshape(sampled, x.shape), pass);
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

/**
 * sum_k weight_k value(pixel + kernel point k + offset_k), a group at a time by bilinear interpolation.
 * value: [B, H, W, C]; offsets: [B, H, W, G, 9, (x, y)]; weights: [B, H, W, G, 9]. Returns [B * H * W * G, C / G].
 */
function sampleGroups(
  value: tf.Tensor4D,
  offsets: tf.Tensor,
  weights: tf.Tensor,
  groups: number,
): tf.Tensor2D {
  const [batch, height, width, channels] = value.shape;
  const places = samplingGrid(height, width); // x and y, [1, H, W, 1, 9]
  const [dx, dy] = tf.unstack(offsets, -1);
  const [x, y] = [tf.add(places.x, dx), tf.add(places.y, dy)];
  const [left, top] = [tf.floor(x), tf.floor(y)];
  const [fractionX, fractionY] = [tf.sub(x, left), tf.sub(y, top)];
  const table = tf.reshape(value, [batch * height * width * groups, channels / groups]);
  const firstRow = rowOffsets(batch, height, width, groups); // [B, 1, 1, G, 1]

  const corners = [0, 1].flatMap((stepY) => [0, 1].map((stepX) => [stepX, stepY] as const));
  const contributions = corners.map(([stepX, stepY]) => {
    const [cornerX, cornerY] = [tf.add(left, stepX), tf.add(top, stepY)];
    const area = tf.mul(stepX ? fractionX : tf.sub(1, fractionX), stepY ? fractionY : tf.sub(1, fractionY));
    const inside = tf.mul(insideRange(cornerX, width), insideRange(cornerY, height));
    const factor = tf.mul(tf.mul(area, inside), weights); // [B, H, W, G, 9]
    const row = tf.add(
      tf.mul(tf.clipByValue(cornerY, 0, height - 1), width),
      tf.clipByValue(cornerX, 0, width - 1),
    );
    const index = tf.add(tf.mul(tf.cast(row, 'int32'), tf.scalar(groups, 'int32')), firstRow);
    const samples = tf.gather(table, tf.reshape(index, [-1])); // [B * H * W * G * 9, C / G]
    return weightedSum(samples as tf.Tensor2D, factor);
  });
  return tf.addN(contributions);
}

/** Sums the nine samples of each pixel and group with their factors: [N * 9, c] x [..., 9] -> [N, c]. */
function weightedSum(samples: tf.Tensor2D, factor: tf.Tensor): tf.Tensor2D {
  const pixels = sizeOf(factor.shape) / POINTS;
  const bags = tf.reshape(samples, [pixels, POINTS, samples.shape[1]]); // [N, 9, c]
  const rows = tf.reshape(factor, [pixels, 1, POINTS]); // [N, 1, 9]
  return tf.reshape(tf.matMul(rows, bags), [pixels, samples.shape[1]]);
}

/** 1 where 0 <= position < extent, else 0. */
function insideRange(position: tf.Tensor, extent: number): tf.Tensor {
  const inside = tf.logicalAnd(tf.greaterEqual(position, 0), tf.less(position, extent));
  return tf.cast(inside, 'float32');
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

/** Where a group of an image begins in the table of rows (image, pixel, group): [B, 1, 1, G, 1]. */
function rowOffsets(batch: number, height: number, width: number, groups: number): tf.Tensor {
  const offsets = Int32Array.from(
    { length: batch * groups },
    (_, i) => Math.floor(i / groups) * height * width * groups + (i % groups),
  );
  return tf.tensor(offsets, [batch, 1, 1, groups, 1], 'int32');
}
