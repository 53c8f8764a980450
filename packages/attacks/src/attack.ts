import type { NormName, RandomStream } from '@revat/core';
import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

import type { Finding } from './finding.js';
import type { Model } from './model-adapter.js';

/** What every attack of this package looks like; made by a factory (`apgd`, `square`, ...) or `createAttack`. */
export interface Attack<Options extends object = object> {
  readonly name: string;
  readonly norm: NormName;
  /** Resolved, frozen, serialisable: `createAttack(attack.name, attack.options)` makes the same attack. */
  readonly options: Readonly<Options>;
  /**
   * Attacks a batch. images: float32 [B,H,W,C] in [0,1]; labels: classes 0 .. K-1 [B], or distributions [B,K], which only
   * cross-entropy uses and whose largest entry is the label. Neither is changed or disposed.
   * Throws 'invalid-argument' for unusable input, 'bad-model' for a model whose output is not [B,K], 'aborted' when the
   * signal fires; nothing leaks in any case.
   */
  run(model: Model, images: Tensor4D, labels: Labels, options?: AttackRunOptions): Promise<AttackResult>;
}

export type Labels = Tensor1D | Tensor2D | ArrayLike<number>;

export interface AttackRunOptions {
  /** Seed of all randomness; the same seed gives the same result for a sample, whatever else is in the batch. Default 0. */
  readonly seed?: number;
  /** Stable integer ids of the samples, which key their randomness. Default 0 .. B-1. */
  readonly sampleIds?: ArrayLike<number>;
  readonly signal?: AbortSignal;
  /** Called for every step of every sample: for traces and plots, not for progress bars. */
  readonly onStep?: (event: StepEvent) => void;
  /** Called after every evaluation of the model. */
  readonly onProgress?: (event: ProgressEvent) => void;
  /** The most images in one evaluation of the model. Default: by image size, 8 to 128. Results do not depend on it. */
  readonly batchSize?: number;
  /** Replaces the source of random numbers, e.g. by recorded draws. Default: `randomStream(seed, attack, sampleId, ...)`. */
  readonly random?: RandomSource;
}

/** The stream of one purpose: the attack's name, the sample's id, then e.g. restart and step. */
export type RandomSource = (
  attack: string,
  sampleId: number,
  ...parts: number[]
) => Pick<RandomStream, keyof RandomStream>;

export interface AttackResult {
  /** float32 [B,H,W,C], in the ball and in [0,1]. The caller disposes it. */
  readonly adversarial: Tensor4D;
  /** [B]: 1 = the model misclassifies the returned image (also where it misclassifies the clean one). */
  readonly success: Uint8Array;
  /** [B]: cross-entropy of the returned image. The attack's own loss is in the events of `onStep`. */
  readonly loss: Float32Array;
  readonly diagnostics: Diagnostics;
}

/** Facts about a run; survives JSON. */
export interface Diagnostics {
  readonly attack: string;
  readonly norm: NormName;
  readonly eps: number;
  readonly seed: number;
  readonly images: number;
  /** Images that went forward through the model, with or without a gradient. */
  readonly forwardImages: number;
  /** Images that went backward through the model. */
  readonly backwardImages: number;
  /** Suspicious evidence and every deviation from what was asked, e.g. a loss substituted because there are few classes. */
  readonly findings: readonly Finding[];
  /** Parts of a composed attack, in order. */
  readonly stages?: readonly StageDiagnostics[];
  /** Of a composed attack, [B]: the part that broke the image, 'clean' where nothing was needed, null where it is robust. */
  readonly brokenBy?: readonly (string | null)[];
}

export interface StageDiagnostics {
  readonly attack: string;
  /** Samples still robust before and after this stage. */
  readonly robustBefore: number;
  readonly robustAfter: number;
  readonly forwardImages: number;
  readonly backwardImages: number;
  readonly seconds: number;
}

/** One step of one sample. `image` and `gradient` are views of live buffers: copy what you keep. */
export interface StepEvent {
  readonly attack: string;
  /** Position in the batch given to `run`, and the sample's id. */
  readonly index: number;
  readonly sampleId: number;
  readonly restart: number;
  /** The target class of a targeted attack. */
  readonly target?: number;
  /** 0 is the starting point. */
  readonly step: number;
  readonly loss: number;
  readonly bestLoss: number;
  /** Step size that led here; 0 at the start. */
  readonly stepSize: number;
  /** Whether the model still gives the right label at `image`. */
  readonly correct: boolean;
  /** [H,W,C] */
  readonly image: Float32Array;
  /** Gradient of the loss at `image`, where one was computed. */
  readonly gradient: Float32Array | null;
}

export interface ProgressEvent {
  readonly attack: string;
  /** Samples done, of the samples that this attack works on. */
  readonly finished: number;
  readonly total: number;
  readonly broken: number;
  readonly forwardImages: number;
  readonly backwardImages: number;
}
