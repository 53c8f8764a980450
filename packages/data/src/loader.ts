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
import {
  inlinePreparer,
  type PreparedSamples,
  type SampleOutcome,
  type SamplePreparer,
} from './sample-preparer.js';
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
  /**
   * Takes the memory of a batch's images back, for a later batch: where batches are large, a loop that lets go of each spends
   * much of its time on collecting them. A later batch overwrites `batch.images`; tensors made of it must be disposed before.
   */
  recycle(batch: Batch): void;
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
  /** Batches begun but not asked for yet, and where the one after them starts. */
  private readonly ahead: (LoaderPosition & { readonly batch: Promise<PreparedBatch> })[] = [];
  private nextAhead: LoaderPosition;
  /** Images that the receiver has and may give back. */
  private readonly delivered = new WeakSet<Float32Array>();
  private order: { readonly epoch: number; readonly indices: Uint32Array } | undefined;

  constructor(
    readonly dataset: ImageDataset,
    private readonly options: ResolvedLoaderOptions,
  ) {
    const { batchSize, dropLast, shard, seed, imageSize } = options;
    const length = shardLength(dataset.length, shard);
    this.batchesPerEpoch = dropLast ? Math.floor(length / batchSize) : Math.ceil(length / batchSize);
    this.samplesPerEpoch = Math.min(length, this.batchesPerEpoch * batchSize);
    this.position = options.position;
    this.nextAhead = options.position;
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
    const { signal } = this.options;
    while (next < this.samplesPerEpoch) {
      throwIfAborted(signal, 'loader');
      const started = performance.now();
      const { batch, end } = await this.take({ epoch, offset: next });
      this.statistics.waitMs += performance.now() - started;
      throwIfAborted(signal, 'loader');
      this.prepareAhead();
      this.statistics.batches++;
      this.statistics.images += batch.labels.length;
      this.position = end < this.samplesPerEpoch ? { epoch, offset: end } : { epoch: epoch + 1, offset: 0 };
      if (batch.labels.length > 0) yield batch;
      next = end;
    }
  }

  recycle({ images }: Batch): void {
    // Twice, or another loader's: nothing to take.
    if (this.delivered.delete(images)) this.preparer.recycle(images);
  }

  async close(): Promise<void> {
    await this.preparer.close();
  }

  /** The batch at a position, from those prepared ahead if they start there. */
  private take(position: LoaderPosition): Promise<PreparedBatch> {
    const [first] = this.ahead;
    if (first?.epoch !== position.epoch || first.offset !== position.offset) {
      this.ahead.length = 0;
      this.nextAhead = position;
      this.prepareAhead();
    }
    this.preparer.collect();
    return this.ahead.shift()!.batch;
  }

  /** Begins batches, also of the next epoch where that costs the receiver nothing. */
  private prepareAhead(): void {
    const { prefetch, batchSize } = this.options;
    while (this.ahead.length < prefetch) {
      if (this.nextAhead.offset >= this.samplesPerEpoch) {
        if (!this.preparer.concurrent || this.dataset.sequential) return;
        this.nextAhead = { epoch: this.nextAhead.epoch + 1, offset: 0 };
      }
      const { epoch, offset } = this.nextAhead;
      const end = Math.min(offset + batchSize, this.samplesPerEpoch);
      const batch = this.prepare(this.orderOf(epoch).subarray(offset, end), epoch, offset);
      // An error belongs to whoever asks for this batch; if nobody does, to nobody.
      batch.catch(() => undefined);
      this.ahead.push({ epoch, offset, batch });
      this.nextAhead = { epoch, offset: end };
    }
  }

  private orderOf(epoch: number): Uint32Array {
    if (this.order?.epoch !== epoch) {
      const { seed, shuffle, shard } = this.options;
      const indices = epochOrder({ length: this.dataset.length, epoch, seed, shuffle, shard });
      this.order = { epoch, indices };
    }
    return this.order.indices;
  }

  /** The batch of the samples `indices`, which are at `offset` of the epoch's order. */
  private async prepare(indices: Uint32Array, epoch: number, offset: number): Promise<PreparedBatch> {
    const { shuffle, augmentation } = this.options;
    const replace = shuffle || augmentation.mixing !== undefined;
    const places = Array.from(indices, (_, place) => place);
    const images = this.preparer.allocate(indices.length);
    const prepared = await this.preparer.prepare(indices, places, epoch, images, true);
    const { outcomes } = prepared;
    for (const place of places) {
      let index = indices[place];
      for (let attempt = 0; isBad(outcomes[place]); attempt++) {
        this.bad.add({ index, id: outcomes[place].id, reason: outcomes[place].reason });
        if (!replace || attempt === REPLACEMENT_ATTEMPTS) break;
        const draw = randomStream(this.options.seed, 'replacement', epoch, offset + place, attempt);
        index = draw.integer(this.dataset.length);
        const replacement = await this.preparer.prepare([index], [place], epoch, images, false);
        [outcomes[place]] = replacement.outcomes;
      }
    }
    return { batch: this.assemble(images, prepared, epoch), end: offset + indices.length };
  }

  /** The batch of the samples that could be read. */
  private assemble(images: Float32Array, { outcomes, mixed }: PreparedSamples, epoch: number): Batch {
    const { imageSize } = this.options;
    const good = outcomes.filter(isGood);
    const labels = Int32Array.from(good, ({ label }) => label);
    const sampleIds = Float64Array.from(good, ({ id }) => id);
    const kept = withoutGaps(images, outcomes);
    const targets =
      mixed || good.length === 0 ? mixed?.targets : this.preparer.mix(kept, labels, sampleIds[0], epoch);
    const own = this.preparer.release(kept);
    this.delivered.add(own);
    return {
      images: own,
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
