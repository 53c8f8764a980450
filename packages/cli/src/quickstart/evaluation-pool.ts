import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { RevatError, type RevatErrorCode } from '@revat/core';
import type { EvaluateEvent } from '@revat/robustbench';

import type { EvaluationJob, EvaluationReply, EvaluationRequest, EvaluationSetup } from './evaluation-job.js';

export interface PoolOptions {
  readonly processes: number;
  readonly signal: AbortSignal;
  readonly onEvent: (job: EvaluationJob, event: EvaluateEvent) => void;
  readonly onDone: (job: EvaluationJob) => Promise<void>;
}

/**
 * Does jobs in several processes, each with an engine of one thread: on small networks one thread computes nearly as fast as
 * two that share every operator, so two jobs at a time take half the time. Which process does a job does not change its result.
 * (Worker threads would do, but Node cannot leave while one of them is inside the native library.) The first failure stops all
 * and is thrown; so is 'aborted', after the processes have saved what they finished.
 */
export async function runJobs(
  jobs: readonly EvaluationJob[],
  setup: EvaluationSetup,
  { processes, signal, onEvent, onDone }: PoolOptions,
): Promise<void> {
  const queue = [...jobs];
  const stop = new AbortController();
  const anySignal = AbortSignal.any([signal, stop.signal]);
  const workers = Array.from({ length: Math.min(processes, jobs.length) }, startProcess);
  const drain = async (worker: ChildProcess) => {
    for (let job = queue.shift(); job && !anySignal.aborted; job = queue.shift()) {
      const current = job;
      await runJob(worker, { job: current, setup }, anySignal, (event) => onEvent(current, event));
      await onDone(current);
    }
  };
  const results = await Promise.allSettled(
    workers.map((worker) =>
      drain(worker).catch((error: unknown) => {
        stop.abort();
        throw error;
      }),
    ),
  );
  await Promise.all(workers.map(endProcess));
  signal.throwIfAborted();
  const failures = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as Error] : [],
  );
  const cause = failures.find((error) => !(error instanceof RevatError && error.code === 'aborted'));
  if (failures.length > 0) throw cause ?? failures[0];
}

function startProcess(): ChildProcess {
  const file = fileURLToPath(new URL('./evaluation-process.js', import.meta.url));
  return fork(file, { serialization: 'advanced' });
}

async function endProcess(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return;
  const ended = once(worker, 'exit');
  worker.kill('SIGKILL');
  await ended;
}

/** One job in one process. Rejects with the job's error, or if the process dies. */
async function runJob(
  worker: ChildProcess,
  work: { readonly job: EvaluationJob; readonly setup: EvaluationSetup },
  signal: AbortSignal,
  onEvent: (event: EvaluateEvent) => void,
): Promise<void> {
  // A process that cannot be reached has ended, which 'exit' tells.
  const send = (request: EvaluationRequest) => worker.send(request, () => undefined);
  const abort = () => send({ kind: 'abort' });
  const { promise, resolve, reject } = withResolvers();
  const onMessage = (reply: EvaluationReply) => {
    if (reply.kind === 'event') onEvent(reply.event);
    else if (reply.kind === 'done') resolve();
    else reject(asError(reply));
  };
  const onExit = (code: number | null, cause: string | null) =>
    reject(new RevatError('engine', `evaluation: a process ended (${cause ?? code}). Go on with --resume.`));
  // Between two jobs nobody listens, and a process ends only once.
  if (worker.exitCode !== null || worker.signalCode !== null) onExit(worker.exitCode, worker.signalCode);
  worker.on('message', onMessage).on('error', reject).on('exit', onExit);
  signal.addEventListener('abort', abort);
  try {
    send({ kind: 'job', ...work });
    await promise;
  } finally {
    signal.removeEventListener('abort', abort);
    worker.off('message', onMessage).off('error', reject).off('exit', onExit);
  }
}

/** Promise.withResolvers, which Node 20 does not have. */
function withResolvers(): { promise: Promise<void>; resolve: () => void; reject: (error: unknown) => void } {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<void>((onDone, onFailure) => {
    resolve = onDone;
    reject = onFailure;
  });
  return { promise, resolve, reject };
}

function asError({ code, message }: Extract<EvaluationReply, { kind: 'failed' }>): Error {
  return code === undefined ? new Error(message) : new RevatError(code as RevatErrorCode, message);
}
