import * as tf from '@tensorflow/tfjs-core';
import { sizeOf, ZEROS, type InitialValues, type Layer, type Scope } from '@revat/stems';

export interface LinearOptions {
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly bias?: boolean;
  readonly weightInitial: InitialValues;
  readonly biasInitial?: InitialValues;
}

/** x W + b over the last axis, `nn.Linear` under `scope`; one matrix product whatever the rank. */
export function linear<T extends tf.Tensor = tf.Tensor4D>(scope: Scope, options: LinearOptions): Layer<T> {
  const { inFeatures, outFeatures, bias = true, weightInitial, biasInitial = ZEROS } = options;
  const weight = scope.declare<tf.Tensor2D>('weight', [outFeatures, inFeatures], weightInitial, {
    layout: 'linear',
  });
  const offset = bias ? scope.declare<tf.Tensor1D>('bias', [outFeatures], biasInitial) : undefined;
  return {
    forward(x) {
      const rows = tf.reshape(x, [-1, inFeatures]); // [B * ..., in]
      const product = tf.matMul(rows, weight()); // [B * ..., out]
      const shifted = offset ? tf.add(product, offset()) : product;
      const shape = [...x.shape.slice(0, -1), outFeatures];
      return tf.reshape<tf.Rank>(shifted, shape) as T;
    },
    cost(shape, meter) {
      meter.add(scope.path, 'linear', sizeOf(shape) * outFeatures);
      return [...shape.slice(0, -1), outFeatures];
    },
  };
}
