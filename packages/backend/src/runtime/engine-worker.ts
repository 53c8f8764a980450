/**
 * The worker thread of `openWorkerRuntime`: holds every session and computes, so that the main thread's event loop stays
 * free. Calls are served in the order in which they come.
 */
import { parentPort, workerData } from 'node:worker_threads';

import { openRuntime } from './node-runtime.js';
import type { EngineArray, EngineSession, SessionRuntime } from './session-runtime.js';
import {
  ANSWERED_CALLS,
  BLOCKING_REPLIES,
  type WorkerCall,
  type WorkerReady,
  type WorkerReply,
  type WorkerRequest,
  type WorkerSetup,
} from './worker-messages.js';

const { options, blockingPort, signal } = workerData as WorkerSetup;
const counters = new Int32Array(signal);
const sessions = new Map<number, EngineSession>();
const residents = new Map<number, EngineArray>();

void serve();

async function serve(): Promise<void> {
  const mainThread = parentPort!;
  const runtime = await openRuntime(options);
  mainThread.on('message', (call: WorkerCall) => answer(runtime, call));
  const { provider, channelBlock, threads } = runtime;
  const ready: WorkerReady = { provider, channelBlock, threads };
  mainThread.postMessage(ready);
}

function answer(runtime: SessionRuntime, { call, blocking, request }: WorkerCall): void {
  let reply: WorkerReply;
  try {
    reply = { call, outputs: perform(runtime, request) };
  } catch (cause) {
    reply = { call, outputs: [], error: cause instanceof Error ? cause.message : String(cause) };
  }
  const port = blocking ? blockingPort : parentPort!;
  port.postMessage(
    reply,
    reply.outputs.map(({ buffer }) => buffer as ArrayBuffer),
  );
  count(ANSWERED_CALLS);
  if (blocking) count(BLOCKING_REPLIES);
}

function count(counter: number): void {
  Atomics.add(counters, counter, 1);
  Atomics.notify(counters, counter);
}

function perform(runtime: SessionRuntime, request: WorkerRequest): EngineArray[] {
  if (request.kind === 'open') {
    sessions.set(request.session, runtime.createSession(request.model));
    return [];
  }
  const session = sessions.get(request.session)!;
  try {
    return request.kind === 'run'
      ? session.run(request.inputs.map(residentArray))
      : close(request.session, session);
  } finally {
    for (const resident of request.forget) residents.delete(resident);
  }
}

function residentArray({ resident, array }: { resident: number; array?: EngineArray }): EngineArray {
  if (array) residents.set(resident, array);
  return residents.get(resident)!;
}

function close(id: number, session: EngineSession): [] {
  sessions.delete(id);
  session.dispose();
  return [];
}
