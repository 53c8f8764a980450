/** A thread of the evaluation pool: its own engine with one thread of computing, one job after the other. */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';

import { isRevatError, RevatError } from '@revat/core';

import { startEngine } from '../engine.js';
import { evaluateStage } from './evaluation.js';
import type { EvaluationReply, EvaluationRequest, EvaluationSetup } from './evaluation-job.js';
import { QUICKSTART_CACHE_BYTES } from './settings.js';

const port = parentPort as MessagePort;
const setup = workerData as EvaluationSetup;
const controller = new AbortController();
const reply = (message: EvaluationReply) => port.postMessage(message);

const engine = startEngine({ backend: setup.backend, threads: 1, cacheBytes: QUICKSTART_CACHE_BYTES });
engine.catch(() => undefined);

port.on('message', (request: EvaluationRequest) => {
  if (request.kind === 'abort') controller.abort(new RevatError('aborted', 'interrupted'));
  else void work(request.job);
});

async function work({ network, stage, shard }: Extract<EvaluationRequest, { kind: 'job' }>['job']) {
  try {
    await engine;
    const { settings, networks, out } = setup;
    const onEvent = (event: Extract<EvaluationReply, { kind: 'event' }>['event']) =>
      reply({ kind: 'event', event });
    await evaluateStage(networks[network], stage, {
      settings,
      out,
      shard,
      onEvent,
      signal: controller.signal,
    });
    reply({ kind: 'done' });
  } catch (error) {
    const code = isRevatError(error) ? error.code : undefined;
    reply({ kind: 'failed', code, message: error instanceof Error ? error.message : String(error) });
  }
}
