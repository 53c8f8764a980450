import * as tf from '@tensorflow/tfjs-core';

/**
 * Variables handled as one vector. An update costs about the same number of operations for one large vector as for one
 * tiny bias, and small networks have many of these; large tensors stay alone, so that nothing big is copied.
 */
export class PackedVariables {
  readonly size: number;
  private readonly variables: readonly tf.Variable[];
  private readonly sizes: number[];

  constructor(variables: readonly tf.Variable[]) {
    this.variables = variables;
    this.sizes = variables.map(({ size }) => size);
    this.size = this.sizes.reduce((sum, size) => sum + size, 0);
  }

  /** The variables' values, float32 [size]; the caller disposes it. */
  values(): tf.Tensor1D {
    return this.pack(this.variables);
  }

  /** Tensors in the variables' order and shapes as one vector, float32 [size]; the caller disposes it. */
  pack(tensors: readonly tf.Tensor[]): tf.Tensor1D {
    // [s1, s2, ...] -> [s1 * s2 * ...] each
    return tf.tidy(() => {
      const vectors = tensors.map((tensor) => tf.reshape<tf.Rank.R1>(tensor, [tensor.size]));
      return vectors.length === 1 ? vectors[0] : tf.concat1d(vectors);
    });
  }

  /** Sets the variables from a vector, float32 [size], which stays the caller's. */
  assign(vector: tf.Tensor1D): void {
    tf.tidy(() => {
      const parts = this.sizes.length === 1 ? [vector] : tf.split(vector, this.sizes);
      // [s1 * s2 * ...] -> [s1, s2, ...] each
      this.variables.forEach((variable, i) => variable.assign(tf.reshape(parts[i], variable.shape)));
    });
  }
}

/** Elements up to which variables are put together. */
const PACK_SIZE = 2 ** 18;

/** Cuts a list of named variables into runs that fit together; a variable larger than that is a run of its own. */
export function packRuns<T extends { readonly variable: tf.Variable }>(entries: readonly T[]): T[][] {
  const runs: T[][] = [];
  let room = 0;
  for (const entry of entries) {
    const { size } = entry.variable;
    if (runs.length > 0 && size <= room) runs[runs.length - 1].push(entry);
    else {
      runs.push([entry]);
      room = PACK_SIZE;
    }
    room -= size;
  }
  return runs;
}
