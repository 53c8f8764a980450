/** A process of the evaluation pool: its own engine with one thread of computing, one job after the other. */
import { isRevatError, RevatError } from '@revat/core';

import { startEngine } from '../engine.js';
import { evaluateStage } from './evaluation.js';
import type { EvaluationJob, EvaluationReply, EvaluationRequest, EvaluationSetup } from './evaluation-job.js';
import { QUICKSTART_CACHE_BYTES } from './settings.js';

const controller = new AbortController();
/** What cannot be sent any more, nobody waits for. */
const reply = (message: EvaluationReply) => process.send?.(message, undefined, undefined, () => undefined);

// Terminals send Ctrl-C to every process, and so do supervisors with SIGTERM; what it means is for the pool's owner to say. Without
// an owner there is nothing to do.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('disconnect', () => process.exit());

process.on('message', (request: EvaluationRequest) => {
  if (request.kind === 'abort') controller.abort(new RevatError('aborted', 'interrupted'));
  else void work(request.job, request.setup);
});

async function work({ network, stage, shard }: EvaluationJob, setup: EvaluationSetup): Promise<void> {
  try {
    const { settings, networks, out, backend } = setup;
    await startEngine({ backend, threads: 1, cacheBytes: QUICKSTART_CACHE_BYTES });
    await evaluateStage(networks[network], stage, {
      settings,
      out,
      shard,
      onEvent: (event) => reply({ kind: 'event', event }),
      signal: controller.signal,
    });
    reply({ kind: 'done' });
  } catch (error) {
    const code = isRevatError(error) ? error.code : undefined;
    reply({ kind: 'failed', code, message: error instanceof Error ? error.message : String(error) });
  }
}
