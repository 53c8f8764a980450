/** The thread of `workerPreparer`: reads, decodes and augments samples into shared memory, one task after the other. */
import { workerData, type MessagePort } from 'node:worker_threads';

import { createAugmentation, type AugmentationOptions } from '@revat/augment';

import type { SampleLocation } from './image-dataset.js';
import { readSample } from './read-sample.js';
import { sampleAt, type SampleChunk } from './sample-memory.js';
import {
  augmentedRegion,
  augmentSample,
  mixBatch,
  reasonOf,
  type MixedBatch,
  type SampleOutcome,
} from './sample-preparer.js';
import {
  TaskProgress,
  type BatchMemory,
  type LoaderReply,
  type LoaderTask,
  type SampleSource,
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
/** Shared memory by its number. */
const imagesOf: SharedArrayBuffer[] = [];
const chunks: SharedArrayBuffer[] = [];

port.on('message', (message: LoaderTask | BatchMemory | SampleChunk) => {
  if ('images' in message) imagesOf[message.memory] = message.images;
  else if ('chunk' in message) chunks[message.chunk] = message.samples;
  else enqueue(message);
});

function enqueue(task: LoaderTask): void {
  last = last.then(async () => {
    const reply = await perform(task);
    if (reply) port.postMessage(reply);
  });
}

/** Prepares samples of the task until none is left, and mixes the batch if this thread prepared the last. */
async function perform(message: LoaderTask): Promise<LoaderReply | undefined> {
  const { task, epoch, memory, places } = message;
  try {
    const progress = new TaskProgress(message.progress);
    const unreadable: [number, string][] = [];
    let count = 0;
    let sourceAt: ((index: number) => SampleSource) | undefined;
    let finished = false;
    for (let index = progress.take(); index < places.length; index = progress.take()) {
      const out = new Float32Array(
        imagesOf[memory],
        places[index] * imageFloats * Float32Array.BYTES_PER_ELEMENT,
        imageFloats,
      );
      sourceAt ??= sourcesOf(message.samples);
      const outcome = await prepareOne(sourceAt(index), epoch, out);
      if ('reason' in outcome) unreadable.push([index, outcome.reason]);
      count++;
      finished = progress.finish(index, outcome);
    }
    if (count === 0) return undefined;
    const complete = finished && message.whole && progress.labels.every((label) => label >= 0);
    return { task, count, unreadable, ...(complete && { mixed: mix(message, progress) }) };
  } catch (failure) {
    return { task, failure };
  }
}

function sourcesOf(samples: LoaderTask['samples']): (index: number) => SampleSource {
  if (typeof samples !== 'string') return (index) => sampleAt(chunks, samples[index]);
  const locations = JSON.parse(samples) as SampleLocation[];
  return (index) => locations[index];
}

function mix({ epoch, memory, places }: LoaderTask, { labels, ids }: TaskProgress): MixedBatch {
  const images = new Float32Array(imagesOf[memory], 0, places.length * imageFloats);
  return { targets: mixBatch(images, labels, ids[0], epoch, numClasses, augmentation, seed) };
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
