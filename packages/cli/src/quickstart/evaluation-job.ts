import type { EvaluateEvent } from '@revat/robustbench';

import type { QuickstartSettings } from './settings.js';
import type { TrainedNetwork } from './training.js';

/** The attack of one stage's model on every `count`-th chunk of the test images: what one process does at a time. */
export interface EvaluationJob {
  readonly network: number;
  readonly stage: string;
  readonly shard: { readonly rank: number; readonly count: number };
}

/** What all jobs of a run have in common. */
export interface EvaluationSetup {
  readonly settings: QuickstartSettings;
  readonly networks: readonly TrainedNetwork[];
  readonly out: string;
  readonly backend: string;
}

/** To a process: a job, or the wish that the running one stops. */
export type EvaluationRequest =
  | { readonly kind: 'job'; readonly job: EvaluationJob; readonly setup: EvaluationSetup }
  | { readonly kind: 'abort' };

/** From a process. Errors lose their class on the way, so code and message travel alone. */
export type EvaluationReply =
  | { readonly kind: 'event'; readonly event: EvaluateEvent }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly code: string | undefined; readonly message: string };
