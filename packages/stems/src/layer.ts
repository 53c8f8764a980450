import type * as tf from '@tensorflow/tfjs-core';

/** Extents without the batch axis: [H, W, C] of a map, [L, C] of tokens, [C] of a vector. */
export type Shape = readonly number[];

/** What a network needs to know about the pass it is in. */
export interface ForwardPass {
  /** Batch norm uses and updates batch statistics, stochastic depth drops branches. */
  readonly training: boolean;
  /** Told the output of every named part, under its PyTorch module path. */
  readonly observe?: (path: string, output: tf.Tensor) => void;
  /** Factors [B] of a residual branch that is dropped with probability `rate`: 0 or 1 / (1 - rate). */
  readonly branchFactors?: (batch: number, rate: number) => tf.Tensor1D;
}

/** The kinds of work that fvcore distinguishes. */
export type Operator = 'conv' | 'linear' | 'matmul' | 'layer_norm' | 'batch_norm' | 'adaptive_avg_pool2d';

/** Collects the cost of one image. `amount`: multiply-accumulates, or for norms and pools what fvcore counts. */
export interface CostMeter {
  add(path: string, operator: Operator, amount: number): void;
}

/**
 * A part of a network: how it computes and what that costs. `forward` records tensor operations only and reads nothing; the
 * caller tidies. `cost` reports the work for one image of the given shape and returns the shape of the output.
 */
export interface Layer<In extends tf.Tensor = tf.Tensor4D, Out extends tf.Tensor = In> {
  forward(input: In, pass: ForwardPass): Out;
  cost(shape: Shape, meter: CostMeter): Shape;
}

/** Layers one after another. */
export function sequential<T extends tf.Tensor>(layers: readonly Layer<T>[]): Layer<T> {
  return {
    forward: (input, pass) => layers.reduce((x, layer) => layer.forward(x, pass), input),
    cost: (shape, meter) => layers.reduce((current, layer) => layer.cost(current, meter), shape),
  };
}

/** A layer whose output can be observed under `path`. */
export function named<In extends tf.Tensor, Out extends tf.Tensor>(
  path: string,
  layer: Layer<In, Out>,
): Layer<In, Out> {
  return {
    forward(input, pass) {
      const output = layer.forward(input, pass);
      pass.observe?.(path, output);
      return output;
    },
    cost: (shape, meter) => layer.cost(shape, meter),
  };
}

/** A layer without parameters that changes neither shape nor cost, e.g. an activation. */
export function elementwise<T extends tf.Tensor>(apply: (x: T) => T): Layer<T> {
  return { forward: apply, cost: (shape) => shape };
}
