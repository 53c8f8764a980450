/** The thread of `workerPreparer`: reads, decodes and augments samples into shared memory, one task after the other. */
import { parentPort, workerData } from 'node:worker_threads';

import { createAugmentation, type AugmentationOptions } from '@revat/augment';

import type { ImageSample, SampleLocation } from './image-dataset.js';
import { readSample } from './read-sample.js';
import { augmentSample, mixBatch, reasonOf, type SampleOutcome } from './sample-preparer.js';

export interface LoaderWorkerOptions {
  readonly augmentation: AugmentationOptions;
  readonly imageSize: number;
  readonly seed: number;
  readonly numClasses: number;
}

/** Samples to be prepared: by location, or, for data in memory, with their pixels. */
export interface LoaderTask {
  readonly task: number;
  readonly epoch: number;
  /** [B, S, S, 3] float32 in shared memory. */
  readonly images: SharedArrayBuffer;
  readonly places: readonly number[];
  readonly samples: readonly (SampleLocation | ImageSample)[];
}

/** A batch to be mixed, in place. */
export interface MixTask {
  readonly task: number;
  readonly epoch: number;
  readonly images: SharedArrayBuffer;
  readonly labels: Int32Array;
  readonly firstId: number;
}

export type LoaderReply =
  | { readonly task: number; readonly outcomes: SampleOutcome[] }
  | { readonly task: number; readonly targets: Float32Array | undefined }
  | { readonly task: number; readonly failure: unknown };

const { augmentation: options, imageSize, seed, numClasses } = workerData as LoaderWorkerOptions;
const augmentation = createAugmentation(options, imageSize);
const imageFloats = imageSize ** 2 * 3;
let last: Promise<void> = Promise.resolve();

parentPort?.on('message', (task: LoaderTask | MixTask) => {
  last = last.then(async () => parentPort?.postMessage('labels' in task ? mix(task) : await perform(task)));
});

async function perform({ task, epoch, images, places, samples }: LoaderTask): Promise<LoaderReply> {
  try {
    const outcomes: SampleOutcome[] = [];
    for (const [i, source] of samples.entries()) {
      const out = new Float32Array(
        images,
        places[i] * imageFloats * Float32Array.BYTES_PER_ELEMENT,
        imageFloats,
      );
      outcomes.push(await prepareOne(source, epoch, out));
    }
    return { task, outcomes };
  } catch (failure) {
    return { task, failure };
  }
}

function mix({ task, epoch, images, labels, firstId }: MixTask): LoaderReply {
  try {
    const batch = new Float32Array(images, 0, labels.length * imageFloats);
    return { task, targets: mixBatch(batch, labels, firstId, epoch, numClasses, augmentation, seed) };
  } catch (failure) {
    return { task, failure };
  }
}

async function prepareOne(
  source: SampleLocation | ImageSample,
  epoch: number,
  out: Float32Array,
): Promise<SampleOutcome> {
  try {
    const sample = 'pixels' in source ? source : await readSample(source);
    return augmentSample(sample, augmentation, seed, epoch, out);
  } catch (error) {
    return { id: source.id, reason: reasonOf(error) };
  }
}
