import { throwIfAborted } from '@revat/core';

import type { Answer, ModelEvaluator, Query } from './model-evaluator.js';

/**
 * An attack on one sample as a coroutine: it yields what it wants to know about one image and is resumed with the answer.
 * The scheduler below gathers the questions of many samples into batches. So a sample's result cannot depend on the
 * others, a sample that is finished leaves the batch at once and another takes its place, and memory is bounded by the
 * samples in flight.
 */
export type SampleProgram = Generator<Query, SampleOutcome, Answer>;

export interface SampleOutcome {
  /** Misclassified, on `image`. */
  readonly success: boolean;
  /** [H,W,C]: what to return for the sample; the outcome owns it. */
  readonly image: Float32Array;
  /** [K]: the model's logits at `image`. */
  readonly logits: Float32Array;
}

export interface ProgramHooks {
  readonly signal?: AbortSignal;
  /** Named when the run is aborted. */
  readonly name: string;
  readonly onBatch?: (finished: number, broken: number) => void;
}

interface Running {
  readonly index: number;
  readonly program: SampleProgram;
  query: Query;
}

/** Runs program(0) .. program(count - 1) and returns their outcomes in that order. Throws 'aborted'. */
export async function runPrograms(
  evaluator: ModelEvaluator,
  count: number,
  program: (index: number) => SampleProgram,
  { signal, name, onBatch }: ProgramHooks,
): Promise<SampleOutcome[]> {
  const outcomes = new Array<SampleOutcome>(count);
  // Twice the batch, so that a full batch of one kind of query is there while the other kind waits.
  const inFlight = 2 * evaluator.batchSize;
  let waiting: Running[] = [];
  let started = 0;
  let finished = 0;
  let broken = 0;

  const advance = (
    index: number,
    running: SampleProgram,
    step: IteratorResult<Query, SampleOutcome>,
  ): void => {
    if (!step.done) {
      waiting.push({ index, program: running, query: step.value });
      return;
    }
    outcomes[index] = step.value;
    finished++;
    if (step.value.success) broken++;
  };

  while (finished < count) {
    throwIfAborted(signal, name);
    while (waiting.length < inFlight && started < count) {
      const running = program(started);
      advance(started++, running, running.next());
    }
    const batch = nextBatch(waiting, evaluator.batchSize);
    if (batch.length === 0) continue;
    const chosen = new Set(batch);
    waiting = waiting.filter((running) => !chosen.has(running));
    const answers = await evaluator.evaluate(batch.map(({ query }) => query));
    batch.forEach(({ index, program: running }, i) => advance(index, running, running.next(answers[i])));
    onBatch?.(finished, broken);
  }
  return outcomes;
}

/** The samples that have waited longest among those that ask for the most wanted loss, at most `size`. */
function nextBatch(waiting: readonly Running[], size: number): Running[] {
  const byLoss = new Map<Query['loss'], Running[]>();
  for (const running of waiting) {
    const group = byLoss.get(running.query.loss);
    if (group) group.push(running);
    else byLoss.set(running.query.loss, [running]);
  }
  let largest: Running[] = [];
  for (const group of byLoss.values()) if (group.length > largest.length) largest = group;
  return largest.slice(0, size);
}
