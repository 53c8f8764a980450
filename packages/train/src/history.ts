/** What is known after one epoch; the training curves of the report. */
export interface EpochRecord {
  readonly stage: string;
  /** 1-based, within the stage. */
  readonly epoch: number;
  /** Epochs of the whole run up to and including this one. */
  readonly totalEpochs: number;
  readonly learningRate: number;
  /** Radius of the attack in the last step; 0 in clean training. */
  readonly eps: number;
  /** Mean over the epoch of the training loss, on adversarial images if the stage attacks. */
  readonly trainLoss: number;
  /** Accuracy on the training images as trained on: augmented and, if the stage attacks, adversarial. */
  readonly trainAccuracy: number;
  /** On clean validation images. */
  readonly cleanAccuracy: number;
  /** On validation images under a short APGD at the recipe's validation radius; absent if the recipe has none. */
  readonly robustAccuracy?: number;
  /** Time of the epoch, validation included; of a resumed epoch, its part since then. */
  readonly seconds: number;
  readonly imagesPerSecond: number;
  /** Share of the epoch's time spent waiting for data. */
  readonly dataWait: number;
}

/** What a run tells while it goes on. */
export type TrainEvent =
  | { readonly type: 'stage-start'; readonly stage: string; readonly index: number; readonly steps: number }
  | {
      readonly type: 'step';
      readonly stage: string;
      /** Steps done, of `steps`, in this stage. */
      readonly step: number;
      readonly steps: number;
      readonly loss: number;
      readonly imagesPerSecond: number;
    }
  | { readonly type: 'epoch'; readonly record: EpochRecord }
  | { readonly type: 'stage-end'; readonly stage: string; readonly checkpoint: string };
