/** What the threads of `workerPreparer` are told and tell: a task is a batch, whose samples the threads share out themselves. */
import type { ImageSample, SampleLocation } from './image-dataset.js';
import type { MixedBatch, SampleOutcome } from './sample-preparer.js';

/** Samples to be prepared into one batch; every thread gets the same message. */
export interface LoaderTask {
  readonly task: number;
  readonly epoch: number;
  /** Number of the `BatchMemory` that the samples are written into, as [B, S, S, 3] float32. */
  readonly memory: number;
  /** Place in the images of each sample. */
  readonly places: readonly number[];
  /** Text for samples in files, their locations; addresses in `SampleMemory` of samples in memory. */
  readonly samples: string | Float64Array;
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
  readonly images: SharedArrayBuffer;
}

/** From each thread that had a part in a task, when no sample is left; the one that finished last also mixed the batch. */
export type LoaderReply =
  | {
      readonly task: number;
      /** How many samples the thread prepared; what became of the good ones is in the task's progress. */
      readonly count: number;
      /** By index in `places`, why a sample could not be read. */
      readonly unreadable: readonly (readonly [index: number, reason: string])[];
      readonly mixed?: MixedBatch;
    }
  | { readonly task: number; readonly failure: unknown };

export type SampleSource = SampleLocation | ImageSample;

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

  /** What became of all samples, once the last is finished; of unreadable ones the reasons are given. */
  outcomes(unreadable: ReadonlyMap<number, string>): SampleOutcome[] {
    return Array.from(this.labels, (label, index) => {
      const id = this.ids[index];
      const reason = unreadable.get(index);
      return reason === undefined ? { label, id } : { id, reason };
    });
  }

  private static samplesIn(buffer: SharedArrayBuffer): number {
    return (buffer.byteLength - 8) / 12;
  }
}
