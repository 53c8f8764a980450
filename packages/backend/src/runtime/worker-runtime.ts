import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';

import { RevatError } from '@revat/core';

import { ResidentArrays, type ResidentSlots } from './resident-arrays.js';
import type { RuntimeOptions } from './node-runtime.js';
import type { EngineArray, EngineModel, EngineSession, SessionRuntime } from './session-runtime.js';
import {
  ANSWERED_CALLS,
  BLOCKING_REPLIES,
  type WorkerReady,
  type WorkerReply,
  type WorkerRequest,
  type WorkerSetup,
} from './worker-messages.js';

/** A runtime whose sessions live in a worker thread. */
export interface WorkerRuntime extends SessionRuntime {
  /** Stops the thread and frees its sessions, after the calls under way. */
  close(): Promise<void>;
}

/**
 * ONNX Runtime in a worker thread: `runAsync` leaves the event loop free, so timers, progress and Ctrl-C stay alive
 * during long runs; `run` computes in the same thread while the caller waits. Inputs are copied once (weights that stay
 * the same are sent once and kept there), outputs are moved. The thread keeps the process alive only while it computes.
 * `process.exit` waits for the run under way. Throws 'engine' if the runtime cannot be opened.
 */
export async function openWorkerRuntime(options: RuntimeOptions = {}): Promise<WorkerRuntime> {
  const channel = new MessageChannel();
  const signal = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
  const setup: WorkerSetup = { options, blockingPort: channel.port2, signal };
  const worker = new Worker(new URL('./engine-worker.js', import.meta.url), {
    workerData: setup,
    transferList: [channel.port2],
  });
  const ready = await firstMessage(worker);
  const thread = new EngineThread(worker, channel.port1, new Int32Array(signal));
  const residents = new ResidentArrays();
  let sessionCount = 0;
  return {
    provider: ready.provider,
    channelBlock: ready.channelBlock,
    threads: ready.threads,
    synchronous: true,
    createSession(model) {
      const session = sessionCount++;
      thread.call(...openRequest(session, model));
      return new WorkerSession(thread, session, residents.slots());
    },
    async createSessionAsync(model) {
      const session = sessionCount++;
      await thread.callAsync(...openRequest(session, model));
      return new WorkerSession(thread, session, residents.slots());
    },
    close: () => thread.close(),
  };
}

function firstMessage(worker: Worker): Promise<WorkerReady> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', (cause) => {
      reject(
        new RevatError('engine', `backend: the engine's worker thread did not start: ${cause.message}`, {
          cause,
        }),
      );
    });
  });
}

function openRequest(session: number, model: EngineModel): [WorkerRequest, Transferable[]] {
  const bytes = model.bytes.slice();
  return [{ kind: 'open', session, model: { ...model, bytes } }, [bytes.buffer]];
}

type Transferable = ArrayBuffer;

class WorkerSession implements EngineSession {
  private open = true;

  constructor(
    private readonly thread: EngineThread,
    private readonly session: number,
    private readonly slots: ResidentSlots,
  ) {}

  run(inputs: readonly EngineArray[]): EngineArray[] {
    return this.thread.call(...this.runRequest(inputs));
  }

  runAsync(inputs: readonly EngineArray[]): Promise<EngineArray[]> {
    return this.thread.callAsync(...this.runRequest(inputs));
  }

  dispose(): void {
    if (!this.open) return;
    this.open = false;
    // A thread that has failed says so to those who want results of it.
    this.thread
      .callAsync({ kind: 'dispose', session: this.session, forget: this.slots.clear() }, [])
      .catch(() => {});
  }

  private runRequest(arrays: readonly EngineArray[]): [WorkerRequest, Transferable[]] {
    if (!this.open) throw new RevatError('engine', 'backend: the session was disposed.');
    const { inputs, forget } = this.slots.fill(arrays);
    const sent = inputs.flatMap(({ array }) => (array ? [array.buffer as ArrayBuffer] : []));
    return [{ kind: 'run', session: this.session, inputs, forget }, sent];
  }
}

interface PendingCall {
  readonly reply: Promise<EngineArray[]>;
  readonly resolve: (outputs: EngineArray[]) => void;
  readonly reject: (error: RevatError) => void;
}

/** How long leaving the process waits for a thread that does not answer. */
const EXIT_PATIENCE_MS = 60_000;

/** The calls to the worker and their replies. */
class EngineThread {
  private readonly pending = new Map<number, PendingCall>();
  private callCount = 0;
  private repliesTaken = 0;
  private failure: RevatError | undefined;

  constructor(
    private readonly worker: Worker,
    private readonly blockingPort: MessagePort,
    private readonly counters: Int32Array,
  ) {
    worker.on('message', (reply: WorkerReply) => this.settle(reply));
    worker.on('error', (cause) => this.fail(`the engine's worker thread failed: ${cause.message}`));
    worker.on('exit', () => this.fail("the engine's worker thread has ended."));
    process.on('exit', this.waitForCalls);
    worker.unref();
    blockingPort.unref();
  }

  /** Sends a request and sleeps until its reply. */
  call(request: WorkerRequest, transfer: Transferable[]): EngineArray[] {
    this.post(request, transfer, true);
    Atomics.wait(this.counters, BLOCKING_REPLIES, this.repliesTaken);
    this.repliesTaken++;
    const { outputs, error } = receiveMessageOnPort(this.blockingPort)!.message as WorkerReply;
    if (error !== undefined) throw new RevatError('engine', error);
    return [...outputs];
  }

  async callAsync(request: WorkerRequest, transfer: Transferable[]): Promise<EngineArray[]> {
    const call = this.post(request, transfer, false);
    this.worker.ref();
    let settle!: Omit<PendingCall, 'reply'>;
    const reply = new Promise<EngineArray[]>((resolve, reject) => (settle = { resolve, reject }));
    this.pending.set(call, { ...settle, reply });
    return reply;
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.pending.values()].map(({ reply }) => reply));
    process.off('exit', this.waitForCalls);
    await this.worker.terminate();
    this.blockingPort.close();
  }

  /** Node aborts when it leaves while a thread is inside a native library. */
  private readonly waitForCalls = (): void => {
    while (!this.failure) {
      const answered = Atomics.load(this.counters, ANSWERED_CALLS);
      if (answered === this.callCount) return;
      if (Atomics.wait(this.counters, ANSWERED_CALLS, answered, EXIT_PATIENCE_MS) === 'timed-out') return;
    }
  };

  private post(request: WorkerRequest, transfer: Transferable[], blocking: boolean): number {
    if (this.failure) throw this.failure;
    const call = this.callCount++;
    this.worker.postMessage({ call, blocking, request }, transfer);
    return call;
  }

  private settle({ call, outputs, error }: WorkerReply): void {
    const { resolve, reject } = this.pending.get(call)!;
    this.pending.delete(call);
    if (this.pending.size === 0) this.worker.unref();
    if (error === undefined) resolve([...outputs]);
    else reject(new RevatError('engine', error));
  }

  private fail(message: string): void {
    this.failure ??= new RevatError('engine', `backend: ${message}`);
    for (const { reject } of this.pending.values()) reject(this.failure);
    this.pending.clear();
  }
}
