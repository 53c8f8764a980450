import { Worker } from 'node:worker_threads';

import { RevatError } from '@revat/core';

import type { ImageDataset, ImageSample, SampleLocation } from './image-dataset.js';
import type { LoaderReply, LoaderTask, LoaderWorkerOptions, MixTask } from './loader-worker.js';
import { reasonOf, type SampleOutcome, type SamplePreparer } from './sample-preparer.js';

export interface WorkerPreparerOptions extends Omit<LoaderWorkerOptions, 'numClasses'> {
  readonly workers: number;
  readonly batchSize: number;
}

/** Tasks given to a thread at a time: the next is there when one is done. */
const TASKS_PER_WORKER = 2;
/** Samples in a task: few, so that all threads work on the batch that is needed next. */
const SAMPLES_PER_TASK = 4;

interface PendingTask {
  readonly message: LoaderTask | MixTask;
  readonly resolve: (reply: LoaderReply) => void;
  readonly reject: (reason: unknown) => void;
}

/** Prepares samples in worker threads, which write into shared memory. */
export function workerPreparer(dataset: ImageDataset, options: WorkerPreparerOptions): SamplePreparer {
  return new WorkerPool(dataset, options);
}

class WorkerPool implements SamplePreparer {
  private readonly workers: Worker[];
  private readonly running: Map<number, PendingTask>[];
  private readonly waiting: PendingTask[] = [];
  private readonly imageFloats: number;
  /** Shared memory of batches that were copied out. */
  private readonly free: SharedArrayBuffer[] = [];
  private nextTask = 0;
  private closed = false;

  constructor(
    private readonly dataset: ImageDataset,
    private readonly options: WorkerPreparerOptions,
  ) {
    const { augmentation, imageSize, seed, workers } = options;
    const workerData: LoaderWorkerOptions = {
      augmentation,
      imageSize,
      seed,
      numClasses: dataset.classNames.length,
    };
    this.imageFloats = imageSize ** 2 * 3;
    this.running = Array.from({ length: workers }, () => new Map<number, PendingTask>());
    this.workers = Array.from({ length: workers }, (_, index) => {
      const worker = new Worker(new URL('./loader-worker.js', import.meta.url), { workerData });
      worker.on('message', (reply: LoaderReply) => this.finish(index, reply));
      worker.on('error', (cause) => this.fail(cause));
      worker.on('exit', () => this.fail(undefined));
      // An idle thread must not keep the process alive; one that owes a result must.
      worker.unref();
      return worker;
    });
  }

  allocate(count: number): Float32Array {
    const bytes = this.options.batchSize * this.imageFloats * Float32Array.BYTES_PER_ELEMENT;
    return new Float32Array(this.free.pop() ?? new SharedArrayBuffer(bytes), 0, count * this.imageFloats);
  }

  async prepare(
    indices: ArrayLike<number>,
    places: ArrayLike<number>,
    epoch: number,
    images: Float32Array,
  ): Promise<SampleOutcome[]> {
    const outcomes: SampleOutcome[] = [];
    const tasks: Promise<void>[] = [];
    for (let first = 0; first < indices.length; first += SAMPLES_PER_TASK) {
      const chosen = Array.from(
        { length: Math.min(SAMPLES_PER_TASK, indices.length - first) },
        (_, i) => first + i,
      );
      tasks.push(this.prepareSome(chosen, indices, places, epoch, images, outcomes));
    }
    await Promise.all(tasks);
    return outcomes;
  }

  async mix(
    images: Float32Array,
    labels: Int32Array,
    firstId: number,
    epoch: number,
  ): Promise<Float32Array | undefined> {
    const { mixing, labelSmoothing } = this.options.augmentation;
    if (labels.length === 0 || (!mixing && !labelSmoothing)) return undefined;
    const buffer = images.buffer as unknown as SharedArrayBuffer;
    const reply = await this.run({ task: this.nextTask++, epoch, images: buffer, labels, firstId }, true);
    return 'targets' in reply ? reply.targets : undefined;
  }

  release(images: Float32Array): Float32Array {
    // Into memory of its own: the receiver may keep it, and native code takes no shared memory.
    const own = new Float32Array(images.length);
    own.set(images);
    this.free.push(images.buffer as unknown as SharedArrayBuffer);
    return own;
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }

  /** Prepares `indices[i]` for the chosen i in one task and writes what became of them to `outcomes[i]`. */
  private async prepareSome(
    chosen: number[],
    indices: ArrayLike<number>,
    places: ArrayLike<number>,
    epoch: number,
    images: Float32Array,
    outcomes: SampleOutcome[],
  ): Promise<void> {
    const samples: (SampleLocation | ImageSample)[] = [];
    const sent: number[] = [];
    for (const i of chosen) {
      const source = await this.sourceOf(indices[i]);
      if ('reason' in source) outcomes[i] = source;
      else {
        samples.push(source);
        sent.push(i);
      }
    }
    if (sent.length === 0) return;
    const reply = await this.run({
      task: this.nextTask++,
      epoch,
      images: images.buffer as unknown as SharedArrayBuffer,
      places: sent.map((i) => places[i]),
      samples,
    });
    if ('outcomes' in reply) sent.forEach((i, k) => (outcomes[i] = reply.outcomes[k]));
  }

  /** A location that a thread can read, or a sample that only this thread can. */
  private async sourceOf(
    index: number,
  ): Promise<SampleLocation | ImageSample | { id: number; reason: string }> {
    if (this.dataset.locate) return this.dataset.locate(index);
    try {
      const { pixels, width, height, label, id } = await this.dataset.sample(index);
      return { pixels, width, height, label, id };
    } catch (error) {
      return { id: index, reason: reasonOf(error) };
    }
  }

  /** The reply of a thread. What is urgent goes before all that waits: it completes a batch. */
  private run(message: LoaderTask | MixTask, urgent = false): Promise<LoaderReply> {
    return new Promise((resolve, reject) => {
      if (this.closed) {
        reject(new RevatError('aborted', 'loader: it was closed while batches were being prepared.'));
        return;
      }
      const task = { message, resolve, reject };
      if (urgent) this.waiting.unshift(task);
      else this.waiting.push(task);
      this.distribute();
    });
  }

  /** Hands waiting tasks to the threads that have fewest. */
  private distribute(): void {
    while (this.waiting.length > 0) {
      const counts = this.running.map((tasks) => tasks.size);
      const least = Math.min(...counts);
      if (least >= TASKS_PER_WORKER) return;
      const index = counts.indexOf(least);
      const task = this.waiting.shift()!;
      this.running[index].set(task.message.task, task);
      this.workers[index].ref();
      this.workers[index].postMessage(task.message);
    }
  }

  private finish(index: number, reply: LoaderReply): void {
    const tasks = this.running[index];
    const pending = tasks.get(reply.task);
    tasks.delete(reply.task);
    if (tasks.size === 0) this.workers[index].unref();
    if ('failure' in reply) pending?.reject(reply.failure);
    else pending?.resolve(reply);
    this.distribute();
  }

  /** A thread ended: nothing that is asked for can be delivered any more. */
  private fail(cause: unknown): void {
    const code = this.closed ? 'aborted' : 'engine';
    const message = this.closed
      ? 'loader: it was closed while batches were being prepared.'
      : `loader: a worker thread ended unexpectedly${cause instanceof Error ? `: ${cause.message}` : ''}. Try fewer workers.`;
    this.closed = true;
    const error = new RevatError(code, message, { cause });
    for (const { reject } of this.waiting.splice(0)) reject(error);
    for (const tasks of this.running) {
      for (const { reject } of tasks.values()) reject(error);
      tasks.clear();
    }
  }
}
