/**
 * Batches of a data set, epoch by epoch. What a batch holds depends on (seed, epoch, sample ids) alone: not on the number of
 * workers, not on where an earlier run stopped.
 */
import { createAugmentation } from '@revat/augment';
import { randomStream, throwIfAborted } from '@revat/core';

import { BadSamples, type BadSample } from './bad-samples.js';
import type { Batch } from './batch.js';
import { epochOrder, shardLength } from './epoch-order.js';
import type { ImageDataset } from './image-dataset.js';
import {
  checkPosition,
  resolveLoaderOptions,
  type LoaderOptions,
  type LoaderPosition,
  type ResolvedLoaderOptions,
} from './loader-options.js';
import { inlinePreparer, type SampleOutcome, type SamplePreparer } from './sample-preparer.js';
import { workerPreparer } from './worker-preparer.js';

/** Counts over a loader's life. */
export interface LoaderStatistics {
  readonly batches: number;
  readonly images: number;
  /** Milliseconds that the receiver waited for batches. */
  readonly waitMs: number;
}

export interface Loader extends AsyncIterable<Batch> {
  readonly dataset: ImageDataset;
  readonly samplesPerEpoch: number;
  readonly batchesPerEpoch: number;
  /** Of the next batch; store it with a checkpoint and give it to `createLoader` to go on there. */
  readonly position: LoaderPosition;
  /** Samples that could not be read so far. */
  readonly badSamples: readonly BadSample[];
  readonly statistics: LoaderStatistics;
  /** The batches of one epoch from a position on; default: from where the loader stands to the end of that epoch. */
  epoch(epoch?: number, offset?: number): AsyncGenerator<Batch, void, undefined>;
  /** Ends the worker threads. */
  close(): Promise<void>;
}

/** Attempts to replace an unreadable sample by another one before its place is given up. */
const REPLACEMENT_ATTEMPTS = 20;

/**
 * A loader over the data set. Unreadable samples are listed in `badSamples`; when shuffling or mixing, another sample, drawn from
 * (seed, epoch, position), takes the place, so that training batches stay full; otherwise the batch is smaller.
 * Throws 'invalid-argument' for options that make no sense. Close it when done if it has workers.
 */
export function createLoader(dataset: ImageDataset, options: LoaderOptions): Loader {
  return new DatasetLoader(dataset, resolveLoaderOptions(options, dataset));
}

class DatasetLoader implements Loader {
  position: LoaderPosition;
  readonly samplesPerEpoch: number;
  readonly batchesPerEpoch: number;
  readonly statistics = { batches: 0, images: 0, waitMs: 0 };
  private readonly preparer: SamplePreparer;
  private readonly bad: BadSamples;

  constructor(
    readonly dataset: ImageDataset,
    private readonly options: ResolvedLoaderOptions,
  ) {
    const { batchSize, dropLast, shard, seed, imageSize } = options;
    const length = shardLength(dataset.length, shard);
    this.batchesPerEpoch = dropLast ? Math.floor(length / batchSize) : Math.ceil(length / batchSize);
    this.samplesPerEpoch = Math.min(length, this.batchesPerEpoch * batchSize);
    this.position = options.position;
    const augmentation = createAugmentation(options.augmentation, imageSize);
    this.preparer =
      options.workers === 0 ? inlinePreparer(dataset, augmentation, seed) : workerPreparer(dataset, options);
    this.bad = new BadSamples(dataset.length, options.maxBadShare, options.onBadSample);
  }

  get badSamples(): readonly BadSample[] {
    return this.bad.list;
  }

  [Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    return this.epoch();
  }

  async *epoch(epoch = this.position.epoch, offset?: number): AsyncGenerator<Batch, void, undefined> {
    let next = offset ?? (epoch === this.position.epoch ? this.position.offset : 0);
    checkPosition({ epoch, offset: next });
    const { seed, shuffle, shard, batchSize, prefetch, signal } = this.options;
    const order = epochOrder({ length: this.dataset.length, epoch, seed, shuffle, shard });
    const ahead: Promise<PreparedBatch>[] = [];
    const prepareAhead = () => {
      while (ahead.length < prefetch && next < this.samplesPerEpoch) {
        const end = Math.min(next + batchSize, this.samplesPerEpoch);
        const batch = this.prepare(order.subarray(next, end), epoch, next);
        // An error belongs to whoever asks for this batch; if nobody does, to nobody.
        batch.catch(() => undefined);
        ahead.push(batch);
        next = end;
      }
    };
    prepareAhead();
    while (ahead.length > 0) {
      throwIfAborted(signal, 'loader');
      const started = performance.now();
      const { batch, end } = await ahead.shift()!;
      this.statistics.waitMs += performance.now() - started;
      throwIfAborted(signal, 'loader');
      prepareAhead();
      this.statistics.batches++;
      this.statistics.images += batch.labels.length;
      this.position = end < this.samplesPerEpoch ? { epoch, offset: end } : { epoch: epoch + 1, offset: 0 };
      if (batch.labels.length > 0) yield batch;
    }
  }

  async close(): Promise<void> {
    await this.preparer.close();
  }

  /** The batch of the samples `indices`, which are at `offset` of the epoch's order. */
  private async prepare(indices: Uint32Array, epoch: number, offset: number): Promise<PreparedBatch> {
    const { shuffle, augmentation } = this.options;
    const replace = shuffle || augmentation.mixing !== undefined;
    const places = Array.from(indices, (_, place) => place);
    const images = this.preparer.allocate(indices.length);
    const outcomes = await this.preparer.prepare(indices, places, epoch, images);
    for (const place of places) {
      let index = indices[place];
      for (let attempt = 0; isBad(outcomes[place]); attempt++) {
        this.bad.add({ index, id: outcomes[place].id, reason: outcomes[place].reason });
        if (!replace || attempt === REPLACEMENT_ATTEMPTS) break;
        const draw = randomStream(this.options.seed, 'replacement', epoch, offset + place, attempt);
        index = draw.integer(this.dataset.length);
        [outcomes[place]] = await this.preparer.prepare([index], [place], epoch, images);
      }
    }
    return { batch: await this.assemble(images, outcomes, epoch), end: offset + indices.length };
  }

  /** The batch of the samples that could be read, mixed. */
  private async assemble(prepared: Float32Array, outcomes: SampleOutcome[], epoch: number): Promise<Batch> {
    const { imageSize } = this.options;
    const good = outcomes.filter(isGood);
    const images = withoutGaps(prepared, outcomes);
    const labels = Int32Array.from(good, ({ label }) => label);
    const sampleIds = Float64Array.from(good, ({ id }) => id);
    const targets = await this.preparer.mix(images, labels, sampleIds[0] ?? 0, epoch);
    return {
      images: this.preparer.release(images),
      shape: [good.length, imageSize, imageSize, 3],
      labels,
      sampleIds,
      ...(targets && { targets }),
    };
  }
}

/** The images without those that could not be read, moved together. */
function withoutGaps(images: Float32Array, outcomes: SampleOutcome[]): Float32Array {
  const size = images.length / outcomes.length;
  let kept = 0;
  outcomes.forEach((outcome, place) => {
    if (isBad(outcome)) return;
    if (kept !== place) images.copyWithin(kept * size, place * size, (place + 1) * size);
    kept++;
  });
  return images.subarray(0, kept * size);
}

interface PreparedBatch {
  readonly batch: Batch;
  readonly end: number;
}

function isBad(outcome: SampleOutcome): outcome is { id: number; reason: string } {
  return 'reason' in outcome;
}

function isGood(outcome: SampleOutcome): outcome is { id: number; label: number } {
  return 'label' in outcome;
}
