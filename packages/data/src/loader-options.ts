import { augmentationOptions, type AugmentationName, type AugmentationOptions } from '@revat/augment';
import { RevatError } from '@revat/core';

import type { BadSample } from './bad-samples.js';
import { checkShard, shardLength, type Shard } from './epoch-order.js';
import type { ImageDataset } from './image-dataset.js';

/** Where a loader stands: the next sample it serves. Serialisable; give it back as `position` to go on. */
export interface LoaderPosition {
  readonly epoch: number;
  /** Samples of this rank's epoch already served. */
  readonly offset: number;
}

export interface LoaderOptions {
  batchSize: number;
  /** Height and width of the served images. */
  imageSize: number;
  /** A scheme's name or options; default 'none': images of another size are resized. */
  augmentation?: AugmentationName | AugmentationOptions;
  /** A new order each epoch; default false. */
  shuffle?: boolean;
  /** Leave out the last, smaller batch of an epoch; default: as `shuffle`. */
  dropLast?: boolean;
  /** Seed of order and augmentation; default 0. */
  seed?: number;
  /** Worker threads that read, decode and augment; default 0: all in this thread. */
  workers?: number;
  /** Batches prepared ahead; default 2. */
  prefetch?: number;
  /** Which part of the samples to serve; default all. */
  shard?: Shard;
  /** Where to start; default epoch 0, offset 0. */
  position?: LoaderPosition;
  /** Share of the samples that may be unreadable before that is an error; 0 tolerates none. Default 0.01. */
  maxBadShare?: number;
  /** Called once for every unreadable sample. */
  onBadSample?: (bad: BadSample) => void;
  /** Stops the loader: what it is asked for next rejects with 'aborted'. */
  signal?: AbortSignal;
}

export type ResolvedLoaderOptions = Omit<
  Required<LoaderOptions>,
  'augmentation' | 'onBadSample' | 'signal'
> & {
  augmentation: AugmentationOptions;
} & Pick<LoaderOptions, 'onBadSample' | 'signal'>;

/** The options with their defaults. Throws 'invalid-argument' naming the option that makes no sense. */
export function resolveLoaderOptions(options: LoaderOptions, dataset: ImageDataset): ResolvedLoaderOptions {
  const shuffle = options.shuffle ?? false;
  const resolved: ResolvedLoaderOptions = {
    batchSize: options.batchSize,
    imageSize: options.imageSize,
    augmentation: augmentationOptions(options.augmentation ?? 'none'),
    shuffle,
    dropLast: options.dropLast ?? shuffle,
    seed: options.seed ?? 0,
    workers: options.workers ?? 0,
    prefetch: options.prefetch ?? 2,
    shard: options.shard ?? { rank: 0, count: 1 },
    position: options.position ?? { epoch: 0, offset: 0 },
    maxBadShare: options.maxBadShare ?? 0.01,
    onBadSample: options.onBadSample,
    signal: options.signal,
  };
  checkInteger('batchSize', resolved.batchSize, 1, 65536);
  checkInteger('imageSize', resolved.imageSize, 1, 4096);
  checkInteger('seed', resolved.seed, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  checkInteger('workers', resolved.workers, 0, 256);
  checkInteger('prefetch', resolved.prefetch, 1, 1024);
  checkShard(resolved.shard);
  checkPosition(resolved.position);
  if (!(resolved.maxBadShare >= 0 && resolved.maxBadShare <= 1))
    throw invalid(`maxBadShare must be from 0 to 1, got ${resolved.maxBadShare}.`);
  if (shuffle && dataset.sequential)
    throw invalid(
      `${dataset.name} can only be read in order. Use shuffle: false, or store it as files or shards.`,
    );
  checkCounts(resolved, dataset.length);
  return resolved;
}

export function checkPosition({ epoch, offset }: LoaderPosition): void {
  checkInteger('position.epoch', epoch, 0, Number.MAX_SAFE_INTEGER);
  checkInteger('position.offset', offset, 0, Number.MAX_SAFE_INTEGER);
}

function checkCounts(
  { batchSize, dropLast, shard, augmentation }: ResolvedLoaderOptions,
  datasetLength: number,
): void {
  const length = shardLength(datasetLength, shard);
  if (length === 0) throw invalid(`this shard has no samples: the data set has ${datasetLength}.`);
  if (dropLast && length < batchSize)
    throw invalid(
      `batchSize ${batchSize} is larger than the ${length} samples of an epoch. Use a smaller one or dropLast: false.`,
    );
  const lastBatch = dropLast ? 0 : length % batchSize;
  if (augmentation.mixing && (batchSize % 2 === 1 || lastBatch % 2 === 1))
    throw invalid(
      `mixing pairs up the images of a batch. Use an even batchSize and dropLast: true, or no mixing.`,
    );
}

function checkInteger(name: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw invalid(`${name} must be an integer from ${low} to ${high}, got ${value}.`);
}

function invalid(reason: string): RevatError {
  return new RevatError('invalid-argument', `createLoader: ${reason}`);
}
