import type { Layer } from '@revat/stems';
import * as tf from '@tensorflow/tfjs-core';

/** Mean over the map: [B, H, W, C] -> [B, C]. fvcore counts one an input element if it is an AdaptiveAvgPool2d. */
export function globalPool(path: string, { counted }: { counted: boolean }): Layer<tf.Tensor4D, tf.Tensor2D> {
  return {
    forward: (x) => tf.mean<tf.Tensor2D>(x, [1, 2]),
    cost(shape, meter) {
      if (counted) meter.add(path, 'adaptive_avg_pool2d', shape[0] * shape[1] * shape[2]);
      return [shape[2]];
    },
  };
}
