import { seededDraws, type Augmentation, type Draws } from '@revat/augment';
import { isRevatError } from '@revat/core';

import type { ImageDataset, ImageSample, Region } from './image-dataset.js';

/** What became of a sample: its label and id, or why it could not be read. */
export type SampleOutcome =
  { readonly label: number; readonly id: number } | { readonly id: number; readonly reason: string };

/** What `SamplePreparer.mix` gave for a batch. */
export interface MixedBatch {
  readonly targets: Float32Array | undefined;
}

/** Samples that were prepared into a batch. */
export interface PreparedSamples {
  /** In the order that they were asked for. */
  readonly outcomes: SampleOutcome[];
  /** If present, the images are mixed already. */
  readonly mixed?: MixedBatch;
}

/** Reads and augments samples into a batch. */
export interface SamplePreparer {
  /** Whether batches are prepared while the receiver is busy. */
  readonly concurrent: boolean;
  /** Memory for the images of a batch of `count` samples. */
  allocate(count: number): Float32Array;
  /**
   * Writes sample `indices[i]` at place `places[i]` of `images`, and tells what became of each. If they are
   * the whole batch and all readable, it may be mixed as well.
   */
  prepare(
    indices: ArrayLike<number>,
    places: readonly number[],
    epoch: number,
    images: Float32Array,
    whole: boolean,
  ): Promise<PreparedSamples>;
  /**
   * Mixes the images of good samples, in place; their soft targets, or undefined where the augmentation neither mixes nor
   * smooths. The draws are those of (seed, epoch, id of the first sample).
   */
  mix(images: Float32Array, labels: Int32Array, firstId: number, epoch: number): Float32Array | undefined;
  /** Takes in what was finished in the meantime, without a turn of the event loop. */
  collect(): void;
  /** Takes memory of `allocate` back; returns the images for the receiver to keep. */
  release(images: Float32Array): Float32Array;
  /** Takes the images of a whole batch back from the receiver, for a later one. */
  recycle(images: Float32Array): void;
  close(): Promise<void>;
}

/** Prepares samples in this thread, one after the other: also data that can only be read in order. */
export function inlinePreparer(
  dataset: ImageDataset,
  augmentation: Augmentation,
  seed: number,
): SamplePreparer {
  const imageFloats = augmentation.imageSize ** 2 * 3;
  let last: Promise<unknown> = Promise.resolve();
  const spare: ArrayBuffer[] = [];

  const prepareOne = async (index: number, epoch: number, out: Float32Array): Promise<SampleOutcome> => {
    const id = dataset.locate?.(index).id;
    const region = id === undefined ? undefined : augmentedRegion(id, augmentation, seed, epoch);
    try {
      return augmentSample(await dataset.sample(index, { region }), augmentation, seed, epoch, out);
    } catch (error) {
      return { id: id ?? index, reason: reasonOf(error) };
    }
  };
  return {
    concurrent: false,
    allocate(count) {
      const bytes = count * imageFloats * Float32Array.BYTES_PER_ELEMENT;
      return new Float32Array(takeSpare(spare, bytes) ?? new ArrayBuffer(bytes));
    },
    prepare(indices, places, epoch, images) {
      const prepared = last.then(async () => {
        const outcomes: SampleOutcome[] = [];
        for (let i = 0; i < indices.length; i++) {
          const start = places[i] * imageFloats;
          outcomes.push(await prepareOne(indices[i], epoch, images.subarray(start, start + imageFloats)));
        }
        return { outcomes };
      });
      last = prepared.catch(() => undefined);
      return prepared;
    },
    mix: (images, labels, firstId, epoch) =>
      mixBatch(images, labels, firstId, epoch, dataset.classNames.length, augmentation, seed),
    collect: () => undefined,
    // A part of a larger batch gets memory of its own.
    release: (images) => (images.byteLength === images.buffer.byteLength ? images : images.slice()),
    recycle: (images) => keepSpare(spare, images.buffer as ArrayBuffer),
    close: async () => undefined,
  };
}

/** Recycled batches that are kept; more than were in use at once are not needed. */
const MAX_SPARE = 8;

export function keepSpare(spare: ArrayBuffer[], buffer: ArrayBuffer): void {
  if (spare.length < MAX_SPARE) spare.push(buffer);
}

/** Recycled memory of exactly that size. */
export function takeSpare(spare: ArrayBuffer[], bytes: number): ArrayBuffer | undefined {
  const found = spare.findIndex(({ byteLength }) => byteLength === bytes);
  return found < 0 ? undefined : spare.splice(found, 1)[0];
}

/** Augments a sample with the draws of (seed, epoch, id): the same in every thread. */
export function augmentSample(
  sample: ImageSample,
  augmentation: Augmentation,
  seed: number,
  epoch: number,
  out: Float32Array,
): SampleOutcome {
  augmentation.image(sample, imageDraws(seed, epoch, sample.id), out);
  return { label: sample.label, id: sample.id };
}

/** The part of the sample with that id that `augmentSample` reads. */
export function augmentedRegion(id: number, augmentation: Augmentation, seed: number, epoch: number): Region {
  return (width, height) => augmentation.source(width, height, imageDraws(seed, epoch, id));
}

function imageDraws(seed: number, epoch: number, id: number): Draws {
  return seededDraws(seed, 'augment', epoch, id);
}

/** Mixes a batch with the draws of (seed, epoch, id of its first sample). */
export function mixBatch(
  images: Float32Array,
  labels: Int32Array,
  firstId: number,
  epoch: number,
  numClasses: number,
  augmentation: Augmentation,
  seed: number,
): Float32Array | undefined {
  return augmentation.batch(images, labels, numClasses, seededDraws(seed, 'mix', epoch, firstId));
}

/** Errors that concern one file and not the run. */
const FILE_ERRORS = new Set(['not-found', 'invalid-file', 'io']);

/** Why a sample is unreadable. Any other error is the run's and is thrown on. */
export function reasonOf(error: unknown): string {
  if (isRevatError(error) && FILE_ERRORS.has(error.code)) return error.message;
  throw error;
}
