/** The thread of `workerPreparer`: reads, decodes and augments samples into shared memory, one task after the other. */
import { workerData, type MessagePort } from 'node:worker_threads';

import { createAugmentation, type AugmentationOptions } from '@revat/augment';

import { readSample } from './read-sample.js';
import {
  augmentedRegion,
  augmentSample,
  keepSpare,
  mixBatch,
  reasonOf,
  takeSpare,
  type FinishedBatch,
  type SampleOutcome,
} from './sample-preparer.js';
import {
  TaskProgress,
  unpackSamples,
  type LoaderReply,
  type LoaderTask,
  type SampleSource,
  type SpareMemory,
} from './worker-task.js';

export interface LoaderWorkerOptions {
  readonly augmentation: AugmentationOptions;
  readonly imageSize: number;
  readonly seed: number;
  readonly numClasses: number;
}

export interface LoaderWorkerData {
  readonly options: LoaderWorkerOptions;
  readonly port: MessagePort;
}

const { options, port } = workerData as LoaderWorkerData;
const { imageSize, seed, numClasses } = options;
const augmentation = createAugmentation(options.augmentation, imageSize);
const imageFloats = imageSize ** 2 * 3;
let last: Promise<void> = Promise.resolve();
const spare: ArrayBuffer[] = [];

port.on('message', (task: LoaderTask | SpareMemory) => {
  if ('spare' in task) {
    keepSpare(spare, task.spare);
    return;
  }
  last = last.then(async () => {
    const reply = await perform(task);
    if (!reply) return;
    const moved = 'batch' in reply && reply.batch ? [reply.batch.images.buffer as ArrayBuffer] : [];
    port.postMessage(reply, moved);
  });
});

/** Prepares samples of the task until none is left, and finishes the batch if this thread prepared the last. */
async function perform(message: LoaderTask): Promise<LoaderReply | undefined> {
  const { task, epoch, images, places } = message;
  try {
    const progress = new TaskProgress(message.progress);
    const outcomes: [number, SampleOutcome][] = [];
    let samples: SampleSource[] | undefined;
    let finished = false;
    for (let index = progress.take(); index < places.length; index = progress.take()) {
      samples ??= unpackSamples(message.samples);
      const out = new Float32Array(
        images,
        places[index] * imageFloats * Float32Array.BYTES_PER_ELEMENT,
        imageFloats,
      );
      const outcome = await prepareOne(samples[index], epoch, out);
      outcomes.push([index, outcome]);
      finished = progress.finish(index, outcome);
    }
    if (outcomes.length === 0) return undefined;
    const complete = finished && message.whole && progress.labels.every((label) => label >= 0);
    return { task, outcomes, ...(complete && { batch: finish(message, progress) }) };
  } catch (failure) {
    return { task, failure };
  }
}

/** Mixes the batch and takes it out of the shared memory: what it costs to copy it is not to keep the receiver waiting. */
function finish({ epoch, images, places }: LoaderTask, { labels, ids }: TaskProgress): FinishedBatch {
  const shared = new Float32Array(images, 0, places.length * imageFloats);
  const targets = mixBatch(shared, labels, ids[0], epoch, numClasses, augmentation, seed);
  const own = new Float32Array(takeSpare(spare, shared.byteLength) ?? new ArrayBuffer(shared.byteLength));
  own.set(shared);
  return { images: own, targets };
}

async function prepareOne(source: SampleSource, epoch: number, out: Float32Array): Promise<SampleOutcome> {
  try {
    // Pixels may be borrowed: nothing else in this thread decodes before they are augmented.
    const region = augmentedRegion(source.id, augmentation, seed, epoch);
    const sample = 'pixels' in source ? source : await readSample(source, { borrowed: true, region });
    return augmentSample(sample, augmentation, seed, epoch, out);
  } catch (error) {
    return { id: source.id, reason: reasonOf(error) };
  }
}
