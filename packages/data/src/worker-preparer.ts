import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';

import { createAugmentation, type Augmentation } from '@revat/augment';
import { RevatError } from '@revat/core';

import type { ImageDataset } from './image-dataset.js';
import type { LoaderWorkerData, LoaderWorkerOptions } from './loader-worker.js';
import {
  keepSpare,
  mixBatch,
  takeSpare,
  type MixedBatch,
  type PreparedSamples,
  type SampleOutcome,
  type SamplePreparer,
} from './sample-preparer.js';
import type { SampleChunk } from './sample-memory.js';
import { SampleSources } from './sample-sources.js';
import {
  TaskProgress,
  type BatchMemory,
  type LoaderReply,
  type LoaderTask,
  type SampleSource,
} from './worker-task.js';

export interface WorkerPreparerOptions extends Omit<LoaderWorkerOptions, 'numClasses'> {
  readonly workers: number;
  readonly batchSize: number;
}

const CLOSED = 'loader: it was closed while batches were being prepared.';

interface PendingTask {
  readonly progress: TaskProgress;
  /** By index, why a sample could not be read. */
  readonly unreadable: Map<number, string>;
  /** Samples whose outcome is not known yet. */
  missing: number;
  mixed?: MixedBatch;
  readonly resolve: (prepared: PreparedSamples) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Prepares samples in worker threads, which write into shared memory. A whole batch is handed over at once and the threads
 * share out its samples among themselves, since this thread may be busy for long: an engine that computes blocks it.
 */
export function workerPreparer(dataset: ImageDataset, options: WorkerPreparerOptions): SamplePreparer {
  return new WorkerPool(dataset, options);
}

class WorkerPool implements SamplePreparer {
  readonly concurrent = true;
  private readonly workers: Worker[];
  /** To each of the workers. */
  private readonly ports: MessagePort[] = [];
  private readonly pending = new Map<number, PendingTask>();
  private readonly augmentation: Augmentation;
  private readonly imageFloats: number;
  /** Shared memory of all batches, by number. */
  private readonly memories: SharedArrayBuffer[] = [];
  private readonly sources: SampleSources;
  /** That of batches that were copied out. */
  private readonly free: SharedArrayBuffer[] = [];
  /** Memory that the receiver gave back. */
  private readonly spare: ArrayBuffer[] = [];
  private nextTask = 0;
  private closed = false;

  constructor(
    private readonly dataset: ImageDataset,
    private readonly options: WorkerPreparerOptions,
  ) {
    this.sources = new SampleSources(dataset, (chunk) => this.announce(chunk));
    const { augmentation, imageSize, seed, workers } = options;
    const numClasses = dataset.classNames.length;
    const workerData: LoaderWorkerOptions = { augmentation, imageSize, seed, numClasses };
    this.augmentation = createAugmentation(augmentation, imageSize);
    this.imageFloats = imageSize ** 2 * 3;
    this.workers = Array.from({ length: workers }, () => this.startWorker(workerData));
  }

  private startWorker(options: LoaderWorkerOptions): Worker {
    const { port1: port, port2 } = new MessageChannel();
    const worker = new Worker(new URL('./loader-worker.js', import.meta.url), {
      workerData: { options, port: port2 } satisfies LoaderWorkerData,
      transferList: [port2],
    });
    worker.on('error', (cause) => this.fail(cause));
    worker.on('exit', () => this.fail(undefined));
    port.on('message', (reply: LoaderReply) => this.receive(reply));
    // Idle threads must not keep the process alive; what is owed does, see `run`.
    worker.unref();
    port.unref();
    this.ports.push(port);
    return worker;
  }

  allocate(count: number): Float32Array {
    return new Float32Array(this.free.pop() ?? this.newMemory(), 0, count * this.imageFloats);
  }

  private newMemory(): SharedArrayBuffer {
    const bytes = this.options.batchSize * this.imageFloats * Float32Array.BYTES_PER_ELEMENT;
    const images = new SharedArrayBuffer(bytes);
    this.announce({ memory: this.memories.push(images) - 1, images });
    return images;
  }

  private announce(memory: BatchMemory | SampleChunk): void {
    for (const port of this.ports) port.postMessage(memory);
  }

  async prepare(
    indices: ArrayLike<number>,
    places: readonly number[],
    epoch: number,
    images: Float32Array,
    whole: boolean,
  ): Promise<PreparedSamples> {
    const memory = this.memories.indexOf(images.buffer as unknown as SharedArrayBuffer);
    const kept = this.sources.kept(indices);
    if (kept) return this.run({ epoch, memory, places, samples: kept, whole });
    const found = this.sources.of(indices);
    // Without a turn in between if possible: this thread may be about to be blocked.
    const known = Array.isArray(found) ? found : await found;
    const outcomes = known.map((source): SampleOutcome | undefined =>
      'reason' in source ? source : undefined,
    );
    const readable = places.map((_, i) => i).filter((i) => !outcomes[i]);
    if (readable.length > 0) {
      const good = readable.map((i) => known[i] as SampleSource);
      const task = {
        epoch,
        memory,
        places: readable.map((i) => places[i]),
        samples: this.sources.pack(
          memory,
          readable.map((i) => indices[i]),
          good,
        ),
        whole: whole && readable.length === known.length,
      };
      const { outcomes: prepared, mixed } = await this.run(task);
      readable.forEach((i, k) => (outcomes[i] = prepared[k]));
      return { outcomes: outcomes as SampleOutcome[], mixed };
    }
    return { outcomes: outcomes as SampleOutcome[] };
  }

  mix(images: Float32Array, labels: Int32Array, firstId: number, epoch: number): Float32Array | undefined {
    const { dataset, augmentation, options } = this;
    const numClasses = dataset.classNames.length;
    return mixBatch(images, labels, firstId, epoch, numClasses, augmentation, options.seed);
  }

  release(images: Float32Array): Float32Array {
    // Into memory of its own: the receiver may keep it, and native code takes no shared memory.
    const own = new Float32Array(
      takeSpare(this.spare, images.byteLength) ?? new ArrayBuffer(images.byteLength),
    );
    own.set(images);
    this.free.push(images.buffer as unknown as SharedArrayBuffer);
    return own;
  }

  recycle(images: Float32Array): void {
    keepSpare(this.spare, images.buffer as ArrayBuffer);
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(this.workers.map((worker) => worker.terminate()));
    for (const port of this.ports) port.close();
  }

  /** Hands a task to all threads; what they made of it. */
  private run(task: Omit<LoaderTask, 'task' | 'progress'>): Promise<PreparedSamples> {
    return new Promise((resolve, reject) => {
      if (this.closed) {
        reject(new RevatError('aborted', CLOSED));
        return;
      }
      const id = this.nextTask++;
      const count = task.places.length;
      const progress = TaskProgress.forSamples(count);
      this.pending.set(id, { progress, unreadable: new Map(), missing: count, resolve, reject });
      const message: LoaderTask = { ...task, task: id, progress: progress.buffer };
      for (const port of this.ports) {
        port.ref();
        port.postMessage(message);
      }
    });
  }

  collect(): void {
    for (const port of this.ports)
      for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port))
        this.receive(next.message as LoaderReply);
  }

  private receive(reply: LoaderReply): void {
    const task = this.pending.get(reply.task);
    if (!task) return;
    if ('failure' in reply) {
      this.pending.delete(reply.task);
      task.reject(reply.failure);
    } else {
      for (const [index, reason] of reply.unreadable) task.unreadable.set(index, reason);
      task.missing -= reply.count;
      task.mixed ??= reply.mixed;
      if (task.missing === 0) {
        this.pending.delete(reply.task);
        task.resolve({ outcomes: task.progress.outcomes(task.unreadable), mixed: task.mixed });
      }
    }
    if (this.pending.size === 0) for (const port of this.ports) port.unref();
  }

  /** A thread ended: nothing that is asked for can be delivered any more. */
  private fail(cause: unknown): void {
    const code = this.closed ? 'aborted' : 'engine';
    const message = this.closed
      ? CLOSED
      : `loader: a worker thread ended unexpectedly${cause instanceof Error ? `: ${cause.message}` : ''}. Try fewer workers.`;
    this.closed = true;
    const error = new RevatError(code, message, { cause });
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
  }
}
