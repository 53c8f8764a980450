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
  let nextPause = performance.now() + PAUSE_EVERY;

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
    const { batch, rest } = nextBatch(waiting, evaluator.batchSize);
    waiting = rest;
    if (batch.length === 0) continue;
    const answers = await evaluator.evaluate(batch.map(({ query }) => query));
    batch.forEach(({ index, program: running }, i) => advance(index, running, running.next(answers[i])));
    onBatch?.(finished, broken);
    if (performance.now() > nextPause) {
      await pause();
      nextPause = performance.now() + PAUSE_EVERY;
    }
  }
  return outcomes;
}

/** Milliseconds between pauses. */
const PAUSE_EVERY = 100;

/**
 * Lets timers, input and signals through. On a backend that answers at once, awaiting its answers alone would not: a page
 * would freeze and `AbortSignal.timeout` never fire.
 */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/**
 * Splits off the samples that have waited longest among those that ask for the most wanted loss, at most `size`; the order of
 * both parts is that of `waiting`.
 */
function nextBatch(waiting: readonly Running[], size: number): { batch: Running[]; rest: Running[] } {
  const wanted = new Map<Query['loss'], number>();
  for (const { query } of waiting) wanted.set(query.loss, (wanted.get(query.loss) ?? 0) + 1);
  let chosen: Query['loss'] = null;
  let most = 0;
  for (const [loss, count] of wanted) {
    if (count <= most) continue;
    chosen = loss;
    most = count;
  }
  const batch: Running[] = [];
  const rest: Running[] = [];
  for (const running of waiting) {
    if (running.query.loss === chosen && batch.length < size) batch.push(running);
    else rest.push(running);
  }
  return { batch, rest };
}
