import { Worker } from 'node:worker_threads';

import { RevatError, type RevatErrorCode } from '@revat/core';
import type { EvaluateEvent } from '@revat/robustbench';

import type { EvaluationJob, EvaluationReply, EvaluationRequest, EvaluationSetup } from './evaluation-job.js';

export interface PoolOptions {
  readonly threads: number;
  readonly signal: AbortSignal;
  readonly onEvent: (job: EvaluationJob, event: EvaluateEvent) => void;
  readonly onDone: (job: EvaluationJob) => Promise<void>;
}

/**
 * Does jobs on several threads, each with an engine of its own: on small networks one thread computes nearly as fast as two
 * that share every operator, so two jobs at a time take half the time. Which thread does a job does not change its result.
 * The first failure stops all and is thrown; so is 'aborted', after the threads have saved what they finished.
 */
export async function runJobs(
  jobs: readonly EvaluationJob[],
  setup: EvaluationSetup,
  { threads, signal, onEvent, onDone }: PoolOptions,
): Promise<void> {
  const queue = [...jobs];
  const stop = new AbortController();
  const anySignal = AbortSignal.any([signal, stop.signal]);
  const workers = Array.from({ length: Math.min(threads, jobs.length) }, () => startThread(setup));
  const drain = async (worker: Worker) => {
    for (let job = queue.shift(); job && !anySignal.aborted; job = queue.shift()) {
      const current = job;
      await runJob(worker, current, anySignal, (event) => onEvent(current, event));
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
  await Promise.all(workers.map((worker) => worker.terminate()));
  signal.throwIfAborted();
  const failures = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as Error] : [],
  );
  const cause = failures.find((error) => !(error instanceof RevatError && error.code === 'aborted'));
  if (failures.length > 0) throw cause ?? failures[0];
}

function startThread(workerData: EvaluationSetup): Worker {
  return new Worker(new URL('./evaluation-thread.js', import.meta.url), { workerData });
}

/** One job on one thread. Rejects with the job's error, or if the thread dies. */
async function runJob(
  worker: Worker,
  job: EvaluationJob,
  signal: AbortSignal,
  onEvent: (event: EvaluateEvent) => void,
): Promise<void> {
  const send = (request: EvaluationRequest) => worker.postMessage(request);
  const abort = () => send({ kind: 'abort' });
  const { promise, resolve, reject } = withResolvers();
  const onMessage = (reply: EvaluationReply) => {
    if (reply.kind === 'event') onEvent(reply.event);
    else if (reply.kind === 'done') resolve();
    else reject(asError(reply));
  };
  const onExit = (code: number) =>
    reject(new RevatError('engine', `evaluation: a thread ended with code ${code}. Go on with --resume.`));
  worker.on('message', onMessage).on('error', reject).on('exit', onExit);
  signal.addEventListener('abort', abort);
  try {
    send({ kind: 'job', job });
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
