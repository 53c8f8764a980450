import type { MessagePort } from 'node:worker_threads';

import type { EngineArray, EngineModel } from './session-runtime.js';
import type { RuntimeOptions } from './node-runtime.js';

/** Counter of the replies on `blockingPort`. */
export const BLOCKING_REPLIES = 0;
/** Counter of all calls that were answered. */
export const ANSWERED_CALLS = 1;

/** What a worker thread is started with. */
export interface WorkerSetup {
  readonly options: RuntimeOptions;
  /** Where replies to calls that block the main thread go, which reads this port without its event loop. */
  readonly blockingPort: MessagePort;
  /** Two Int32 counters, on which the main thread sleeps. */
  readonly signal: SharedArrayBuffer;
}

/** The worker's first message: the runtime that it opened. */
export interface WorkerReady {
  readonly provider: string;
  readonly channelBlock: number;
  readonly threads: number;
}

/** An input of a run: an array that the worker keeps under a number, sent along unless the worker has it already. */
export interface RunInput {
  readonly resident: number;
  readonly array?: EngineArray;
}

/** What the main thread asks for. `forget` names residents that no session will use again. */
export type WorkerRequest =
  | { readonly kind: 'open'; readonly session: number; readonly model: EngineModel }
  | {
      readonly kind: 'run';
      readonly session: number;
      readonly inputs: readonly RunInput[];
      readonly forget: readonly number[];
    }
  | { readonly kind: 'dispose'; readonly session: number; readonly forget: readonly number[] };

/** A request under the number that its reply carries. */
export interface WorkerCall {
  readonly call: number;
  readonly blocking: boolean;
  readonly request: WorkerRequest;
}

export interface WorkerReply {
  readonly call: number;
  /** Outputs of a run, moved here, not copied; empty for other requests. */
  readonly outputs: readonly EngineArray[];
  /** Why the call failed, if it did. */
  readonly error?: string;
}
