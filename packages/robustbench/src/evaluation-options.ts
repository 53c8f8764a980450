import type { NormName } from '@revat/core';
import type { Shard } from '@revat/distributed';

import type { EvaluatedModel } from './evaluated-model.js';
import type { EvaluationData } from './evaluation-data.js';
import type { ThreatModel } from './threat-model.js';

/** What every evaluation needs to know. */
export interface EvaluationOptions {
  /** One model ... */
  model?: EvaluatedModel;
  /** ... or several. */
  models?: readonly EvaluatedModel[];
  data: EvaluationData;
  /** Folder of the journals; without it nothing is written and nothing can be resumed. */
  out?: string;
  /** Continue what the folder holds (default true); false refuses a folder that holds a journal. */
  resume?: boolean;
  /** Number of images from the start of the data, or their positions; default all. */
  samples?: number | readonly number[];
  /** Images per chunk: the unit of journal and shard (default 100). Part of the recipe. */
  batchSize?: number;
  /** Integer >= 0, default 0. */
  seed?: number;
  /** Evaluate only chunks rank, rank + count, ... */
  shard?: Shard;
  onEvent?: (event: EvaluateEvent) => void;
  signal?: AbortSignal;
}

/** What is being evaluated: clean predictions, a threat model, or a radius curve. */
export type EvaluationPart =
  | { readonly kind: 'clean' }
  | { readonly kind: 'threat'; readonly threatModel: ThreatModel }
  | { readonly kind: 'radius-curve'; readonly norm: NormName };

/** Progress. `done` and `total` count images of this model and part. */
export type EvaluateEvent = {
  readonly model: string;
  readonly part: EvaluationPart;
  readonly total: number;
} & (
  | { readonly type: 'begin' }
  /** Within a chunk, after each evaluation of the model. */
  | {
      readonly type: 'attack';
      readonly done: number;
      readonly attack: string;
      /** Of the images that this attack works on in this chunk. */
      readonly attacked: number;
      readonly finished: number;
      readonly broken: number;
    }
  /** A chunk is finished and, with `out`, safe on disk, or was read from there. */
  | {
      readonly type: 'chunk';
      readonly done: number;
      /** Of those done: classified correctly, still robust, or robust at the largest radius. */
      readonly correct: number;
      readonly forward: number;
      readonly backward: number;
      readonly resumed: boolean;
    }
  | { readonly type: 'end'; readonly correct: number; readonly seconds: number }
);
