/** What the threads of `workerPreparer` are told and tell: a task is a batch, whose samples the threads share out themselves. */
import type { ImageSample, SampleLocation } from './image-dataset.js';
import type { MixedBatch, SampleOutcome } from './sample-preparer.js';

/** Samples to be prepared into one batch; every thread gets the same message. */
export interface LoaderTask {
  readonly task: number;
  readonly epoch: number;
  /** Number of the `BatchMemory` that the samples are written into, as [B, S, S, 3] float32. */
  readonly memory: number;
  /** Place in `images` of each sample. */
  readonly places: readonly number[];
  readonly samples: SampleParcel;
  /** Whether the samples are a whole batch, to be mixed if none of them is unreadable. */
  readonly whole: boolean;
  /** See `TaskProgress`. */
  readonly progress: SharedArrayBuffer;
}

/**
 * Shared memory for the images of batches. Every thread is told of it once: for V8 each object that stands for it is as large
 * as it, and one a task would keep the garbage collector busy.
 */
export interface BatchMemory {
  readonly memory: number;
  readonly shared: SharedArrayBuffer;
}

/** From each thread that had a part in a task, when no sample is left; the one that finished last also mixed the batch. */
export type LoaderReply =
  | {
      readonly task: number;
      /** By index in `places`. */
      readonly outcomes: readonly (readonly [index: number, outcome: SampleOutcome])[];
      readonly mixed?: MixedBatch;
    }
  | { readonly task: number; readonly failure: unknown };

/**
 * Samples in a form that is cheap to send to several threads: text for what is in files, and for what is in memory its
 * pixels one after the other in shared memory.
 */
export interface SampleParcel {
  readonly text: string;
  /** In shared memory. */
  readonly pixels: Uint8Array | undefined;
}

export type SampleSource = SampleLocation | ImageSample;

export function packSamples(sources: readonly SampleSource[]): SampleParcel {
  const total = sources.reduce((sum, source) => sum + ('pixels' in source ? source.pixels.length : 0), 0);
  const pixels = total > 0 ? new Uint8Array(new SharedArrayBuffer(total)) : undefined;
  let used = 0;
  const entries = sources.map((source) => {
    if (!('pixels' in source)) return source;
    const { width, height, label, id } = source;
    pixels!.set(source.pixels, used);
    used += source.pixels.length;
    return { width, height, label, id, end: used };
  });
  return { text: JSON.stringify(entries), pixels };
}

export function unpackSamples({ text, pixels }: SampleParcel): SampleSource[] {
  const entries = JSON.parse(text) as (SampleLocation | (Omit<ImageSample, 'pixels'> & { end: number }))[];
  return entries.map((entry) => {
    if (!('end' in entry)) return entry;
    const { end, ...sample } = entry;
    // A copy: augmentations may write into the pixels.
    const start = end - sample.width * sample.height * 3;
    return { ...sample, pixels: pixels!.slice(start, end) };
  });
}

/** How far a task is, in shared memory: which sample is next, and the labels and ids of those prepared. */
export class TaskProgress {
  private readonly counters: Int32Array;
  readonly labels: Int32Array;
  readonly ids: Float64Array;

  constructor(readonly buffer: SharedArrayBuffer) {
    const count = TaskProgress.samplesIn(buffer);
    this.ids = new Float64Array(buffer, 0, count);
    this.labels = new Int32Array(buffer, count * 8, count);
    this.counters = new Int32Array(buffer, count * 12, 2);
  }

  static forSamples(count: number): TaskProgress {
    return new TaskProgress(new SharedArrayBuffer(count * 12 + 8));
  }

  /** Index of a sample that nobody else has taken; at least the number of samples when none is left. */
  take(): number {
    return Atomics.add(this.counters, 0, 1);
  }

  /** Notes what became of a sample. True for the last one: then all labels and ids are there; a negative label is unreadable. */
  finish(index: number, outcome: SampleOutcome): boolean {
    this.labels[index] = 'label' in outcome ? outcome.label : -1;
    this.ids[index] = outcome.id;
    return Atomics.add(this.counters, 1, 1) + 1 === this.labels.length;
  }

  private static samplesIn(buffer: SharedArrayBuffer): number {
    return (buffer.byteLength - 8) / 12;
  }
}
