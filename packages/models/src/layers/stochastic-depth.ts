import type { ForwardPass } from '@revat/stems';
import * as tf from '@tensorflow/tfjs-core';

/**
 * Stochastic depth (Huang et al. 2016; timm's DropPath): in training, a sample's residual branch is dropped with probability
 * `rate` and otherwise scaled by 1 / (1 - rate). branch: [B, ...].
 */
export function dropBranch<T extends tf.Tensor>(branch: T, rate: number, pass: ForwardPass): T {
  if (rate === 0 || !pass.branchFactors) return branch;
  const batch = branch.shape[0];
  const factors = pass.branchFactors(batch, rate);
  const broadcast = tf.reshape(factors, [batch, ...branch.shape.slice(1).map(() => 1)]); // [B, 1, ...]
  return tf.mul(branch, broadcast);
}

/** Drop rates of all blocks in order: linear from 0 to `rate`. */
export function dropRates(rate: number, blocks: number): number[] {
  return Array.from({ length: blocks }, (_, i) => (blocks > 1 ? (rate * i) / (blocks - 1) : 0));
}
