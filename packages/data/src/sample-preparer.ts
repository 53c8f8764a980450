import { seededDraws, type Augmentation } from '@revat/augment';
import { isRevatError } from '@revat/core';

import type { ImageDataset, ImageSample } from './image-dataset.js';

/** What became of a sample: its label and id, or why it could not be read. */
export type SampleOutcome =
  { readonly label: number; readonly id: number } | { readonly id: number; readonly reason: string };

/** Reads and augments samples into a batch. */
export interface SamplePreparer {
  /** Memory for `floats` numbers that `prepare` may be given parts of. */
  allocate(floats: number): Float32Array;
  /** Writes sample `indices[i]` into `images` at place `places[i]`, and tells what became of each. */
  prepare(
    indices: ArrayLike<number>,
    places: ArrayLike<number>,
    epoch: number,
    images: Float32Array,
  ): Promise<SampleOutcome[]>;
  /** Takes memory back once a batch was copied out of it; the images for the receiver. */
  release(images: Float32Array): Float32Array;
  close(): Promise<void>;
}

/** Prepares samples in this thread, one after the other. */
export function inlinePreparer(
  dataset: ImageDataset,
  augmentation: Augmentation,
  seed: number,
): SamplePreparer {
  const imageFloats = augmentation.imageSize ** 2 * 3;
  return {
    allocate: (floats) => new Float32Array(floats),
    async prepare(indices, places, epoch, images) {
      const outcomes: SampleOutcome[] = [];
      for (let i = 0; i < indices.length; i++) {
        const start = places[i] * imageFloats;
        try {
          const sample = await dataset.sample(indices[i]);
          outcomes.push(
            augmentSample(sample, augmentation, seed, epoch, images.subarray(start, start + imageFloats)),
          );
        } catch (error) {
          outcomes.push({ id: dataset.locate?.(indices[i]).id ?? indices[i], reason: reasonOf(error) });
        }
      }
      return outcomes;
    },
    release: (images) => images,
    close: async () => undefined,
  };
}

/** Augments a sample with the draws of (seed, epoch, id): the same in every thread. */
export function augmentSample(
  sample: ImageSample,
  augmentation: Augmentation,
  seed: number,
  epoch: number,
  out: Float32Array,
): SampleOutcome {
  augmentation.image(sample, seededDraws(seed, 'augment', epoch, sample.id), out);
  return { label: sample.label, id: sample.id };
}

/** The reason of an unreadable sample. Anything but a RevatError is a defect and is thrown on. */
export function reasonOf(error: unknown): string {
  if (isRevatError(error) && error.code !== 'aborted') return error.message;
  throw error;
}
