import { randomStream, RevatError } from '@revat/core';

/** Which part of the samples this process serves: `rank` of `count` equal processes. */
export interface Shard {
  readonly rank: number;
  readonly count: number;
}

export interface EpochOrderOptions {
  length: number;
  epoch: number;
  seed: number;
  shuffle: boolean;
  shard: Shard;
}

/**
 * The sample indices that a rank serves in an epoch, in order: every rank draws the same permutation from (seed, epoch)
 * and takes positions rank, rank + count, ... of it. Disjoint over the ranks, together the whole data set.
 */
export function epochOrder({ length, epoch, seed, shuffle, shard }: EpochOrderOptions): Uint32Array {
  const share = shardLength(length, shard);
  const order = new Uint32Array(share);
  const permutation = shuffle ? randomStream(seed, 'epoch-order', epoch).permutation(length) : undefined;
  for (let i = 0; i < share; i++) {
    const position = shard.rank + i * shard.count;
    order[i] = permutation ? permutation[position] : position;
  }
  return order;
}

/** The number of samples that a rank serves in an epoch. */
export function shardLength(length: number, { rank, count }: Shard): number {
  return Math.max(0, Math.ceil((length - rank) / count));
}

/** Throws 'invalid-argument' unless 0 <= rank < count. */
export function checkShard({ rank, count }: Shard): void {
  if (Number.isInteger(rank) && Number.isInteger(count) && rank >= 0 && rank < count) return;
  throw new RevatError(
    'invalid-argument',
    `createLoader: shard must have integers 0 <= rank < count, got rank ${rank} of ${count}.`,
  );
}
