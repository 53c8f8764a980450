import { gelu } from '@revat/core';
import { elementwise, sequential, truncatedNormal, type Layer, type Scope } from '@revat/stems';
import type { Tensor } from '@tensorflow/tfjs-core';
import { linear } from './linear.js';

/** fc2(GELU(fc1(x))) over the last axis, declared as `fc1` and `fc2` (or other names) under `scope`. */
export function mlp<T extends Tensor>(
  scope: Scope,
  features: number,
  hidden: number,
  names: readonly [string, string] = ['fc1', 'fc2'],
): Layer<T> {
  const weightInitial = truncatedNormal(0.02);
  return sequential<T>([
    linear(scope.child(names[0]), { inFeatures: features, outFeatures: hidden, weightInitial }),
    elementwise<T>(gelu),
    linear(scope.child(names[1]), { inFeatures: hidden, outFeatures: features, weightInitial }),
  ]);
}
