import type { Classifier } from '@revat/core';
import type { Tensor4D, Variable } from '@tensorflow/tfjs-core';

import type { ModelResult } from './results.js';
import type { ThreatModel } from './threat-model.js';

/** A classifier with a name. A model of @revat/models fits: `{ id, label, ...pick }` or `evaluatedModel(id, model)`. */
export interface EvaluatedModel {
  /** Stable name for folders and tables: letters, digits, ".", "_", "-". */
  readonly id: string;
  /** For people; default: the id. */
  readonly label?: string;
  readonly classify: Classifier;
  /** E.g. "convnext_tiny, ConvStem". */
  readonly architecture?: string;
  /** Trainable weights by name; hashed, so that a resumed run cannot mix two models. */
  parameters?(): Map<string, Variable>;
  /** Other state by name (batch-norm statistics); hashed too. */
  buffers?(): Map<string, Variable>;
}

/** One labelled image, as data sets of @revat/data give it. */
export interface EvaluationSample {
  /** [height, width, 3] RGB, 0..255. */
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly label: number;
  /** Stable integer: randomness is keyed by it. */
  readonly id: number;
}

/** Anything with the shape of an ImageDataset of @revat/data. */
export interface EvaluationDataset {
  readonly name: string;
  readonly length: number;
  readonly classNames: readonly string[];
  sample(index: number): Promise<EvaluationSample> | EvaluationSample;
}

/** Images in memory: float32 [B, H, W, C] in [0, 1], kept by the caller. */
export interface ImagesInMemory {
  readonly name: string;
  readonly images: Tensor4D;
  readonly labels: ArrayLike<number>;
  /** Default: 0, 1, 2, ... */
  readonly sampleIds?: ArrayLike<number>;
  readonly classNames?: readonly string[];
}

export type EvaluationData = EvaluationDataset | ImagesInMemory;

export interface EvaluateOptions {
  /** One model ... */
  model?: EvaluatedModel;
  /** ... or several. */
  models?: readonly EvaluatedModel[];
  data: EvaluationData;
  threatModels: readonly ThreatModel[];
  /** Folder of the journal; without it nothing is written and nothing can be resumed. */
  out?: string;
  /** Continue what the folder holds (default true); false refuses a folder that holds a journal. */
  resume?: boolean;
  /** Number of images from the start of the data set, or their indices; default all. */
  samples?: number | readonly number[];
  /** Images per chunk: the unit of attack, journal and shard (default 100). Part of the recipe. */
  batchSize?: number;
  /** Default 0. */
  seed?: number;
  /** Evaluate only chunks i, i + n, i + 2n, ...: "i/n" with i from 0, or the pair. */
  shard?: { index: number; count: number };
  onEvent?: (event: EvaluateEvent) => void;
  signal?: AbortSignal;
}

/** Progress. `done` and `total` count images of this model and threat model. */
export type EvaluateEvent =
  /** A model's clean predictions, or a threat model, begins; `resumed` images were read from the journal. */
  | {
      readonly type: 'begin';
      readonly model: string;
      /** null: clean predictions. */
      readonly threatModel: ThreatModel | null;
      readonly total: number;
      readonly resumed: number;
    }
  /** Inside a chunk: an attack of the protocol worked on it. */
  | {
      readonly type: 'attack';
      readonly model: string;
      readonly threatModel: ThreatModel;
      readonly attack: string;
      readonly done: number;
      readonly total: number;
      /** Images of the current chunk that are still robust. */
      readonly robust: number;
      /** Share of the current chunk's work that is done, in [0, 1], as far as it is known. */
      readonly fraction: number;
    }
  /** A chunk is finished and, with `out`, safe on disk. */
  | {
      readonly type: 'progress';
      readonly model: string;
      readonly threatModel: ThreatModel | null;
      readonly done: number;
      readonly total: number;
      /** Images, of those done, classified correctly (clean) or still robust. */
      readonly correct: number;
      readonly forward: number;
      readonly backward: number;
    }
  | {
      readonly type: 'end';
      readonly model: string;
      readonly threatModel: ThreatModel | null;
      readonly correct: number;
      readonly total: number;
      readonly seconds: number;
    };

export interface EvaluationResult {
  readonly models: readonly ModelResult[];
  readonly threatModels: readonly ThreatModel[];
}
