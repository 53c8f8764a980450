import { trainingApgd } from '@revat/attacks';
import { RevatError, throwIfAborted } from '@revat/core';
import type { Batch } from '@revat/data';
import type { Model } from '@revat/models';
import * as tf from '@tensorflow/tfjs-core';

import { AdamW } from './adamw.js';
import { EpochMeter } from './epoch-meter.js';
import type { EpochRecord, TrainEvent } from './history.js';
import { learningRateAt, radiusAt } from './learning-rate.js';
import type { Recipe, Stage, StageAttack } from './recipe.js';
import { smoothTargets, trainStep, type Perturb } from './train-step.js';
import type { Position } from './training-state.js';
import { validate, type ValidationSet } from './validation.js';
import { WeightAverage } from './weight-average.js';

/** Batches of the training set, the same for the same epoch and offset. */
export interface BatchSource {
  readonly classes: number;
  readonly stepsPerEpoch: number;
  /** The batches of an epoch (0-based) from a step on. */
  epoch(epoch: number, fromStep: number): AsyncIterable<Batch>;
  /** Takes the memory of a batch that is done with. */
  recycle(batch: Batch): void;
}

export interface StageContext {
  readonly recipe: Recipe;
  readonly stage: Stage;
  readonly index: number;
  readonly model: Model;
  readonly source: BatchSource;
  readonly validationSet: ValidationSet;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainEvent) => void;
  /** Puts variables back to where the run stopped; called once, before the first step, when resuming in this stage. */
  readonly restore?: (variables: ReadonlyMap<string, tf.Variable>) => Promise<void>;
  /** Stores where the run stands: after every epoch and when it is interrupted. */
  readonly save: (
    position: Position,
    records: readonly EpochRecord[],
    variables: ReadonlyMap<string, tf.Variable>,
  ) => Promise<void>;
}

/**
 * Trains the model through one stage of a recipe, from `start`. Afterwards the model holds the stage's result: the
 * average of the weights if the stage keeps one. When the signal fires, the step under way is finished, the state saved
 * and 'aborted' thrown.
 */
export async function trainStage(
  context: StageContext,
  start: Position,
  before: readonly EpochRecord[],
): Promise<EpochRecord[]> {
  const run = new StageRun(context, start, before);
  try {
    return await run.run();
  } finally {
    run.dispose();
  }
}

class StageRun {
  private readonly context: StageContext;
  private readonly optimizer: AdamW;
  private readonly average: WeightAverage | undefined;
  private readonly perturb: Perturb | undefined;
  private readonly records: EpochRecord[];
  private position: Position;

  constructor(context: StageContext, start: Position, before: readonly EpochRecord[]) {
    const { model, stage } = context;
    this.context = context;
    this.position = start;
    this.records = [...before];
    this.optimizer = new AdamW(model.parameters(), { weightDecay: stage.weightDecay });
    this.average = stage.averageDecay > 0 ? new WeightAverage(model, stage.averageDecay) : undefined;
    this.perturb = stage.attack && perturbation(stage.attack);
  }

  async run(): Promise<EpochRecord[]> {
    const { stage, index, restore, signal, onEvent } = this.context;
    onEvent?.({ type: 'stage-start', stage: stage.name, index, steps: this.totalSteps });
    if (restore) await this.resume(restore);
    while (this.position.epoch < stage.epochs) {
      await this.runEpoch();
      await this.context.save(this.position, this.records, this.variables());
      throwIfAborted(signal, `train: stage ${stage.name}, epoch ${this.position.epoch + 1}`);
    }
    this.average?.swap();
    return this.records;
  }

  dispose(): void {
    this.optimizer.dispose();
    this.average?.dispose();
  }

  private get totalSteps(): number {
    return this.context.stage.epochs * this.context.source.stepsPerEpoch;
  }

  /** Steps of the stage done so far, and index of the next one. */
  private get stepsDone(): number {
    return this.position.epoch * this.context.source.stepsPerEpoch + this.position.step;
  }

  /** Everything that decides the steps to come, by name. */
  private variables(): Map<string, tf.Variable> {
    const { model } = this.context;
    const named = (prefix: string, entries: Iterable<[string, tf.Variable]>) =>
      [...entries].map(([name, variable]): [string, tf.Variable] => [`${prefix}.${name}`, variable]);
    return new Map([
      ...named('model', [...model.parameters(), ...model.buffers()]),
      ...named('optimizer', this.optimizer.state()),
      ...named('average', this.average?.state() ?? []),
    ]);
  }

  private async resume(restore: NonNullable<StageContext['restore']>): Promise<void> {
    await restore(this.variables());
    this.context.model.trainingPasses = this.position.trainingPasses;
    this.optimizer.resumeAt(this.stepsDone);
    this.average?.resumeAt(this.stepsDone);
  }

  /** Trains to the end of the epoch, or until the signal fires. */
  private async runEpoch(): Promise<void> {
    const { stage, source, model, signal, onEvent } = this.context;
    const meter = new EpochMeter(stage.batchSize);
    let asked = performance.now();
    for await (const batch of source.epoch(this.position.epoch, this.position.step)) {
      meter.add(performance.now() - asked);
      const [loss, hits] = await this.runStep(batch);
      source.recycle(batch);
      if (!Number.isFinite(loss)) throw diverged(stage, this.position);
      const { epoch, step, lossSum, correct } = this.position;
      this.position = {
        ...this.position,
        epoch,
        step: step + 1,
        lossSum: lossSum + loss,
        correct: correct + hits,
        trainingPasses: model.trainingPasses,
      };
      const { imagesPerSecond } = meter;
      onEvent?.({
        type: 'step',
        stage: stage.name,
        step: this.stepsDone,
        steps: this.totalSteps,
        loss,
        imagesPerSecond,
      });
      if (signal?.aborted) break;
      asked = performance.now();
    }
    if (this.position.step === source.stepsPerEpoch) await this.finishEpoch(meter);
  }

  private async runStep(batch: Batch): Promise<[number, number]> {
    const { stage, model, source } = this.context;
    const targets = batch.targets ?? smoothTargets(batch.labels, source.classes, stage.labelSmoothing);
    const result = tf.tidy(() =>
      trainStep(
        model,
        this.optimizer,
        {
          images: tf.tensor4d(batch.images, batch.shape),
          targets: tf.tensor2d(targets, [batch.labels.length, source.classes]),
          learningRate: this.learningRate(this.stepsDone),
          eps: this.radius(this.stepsDone),
        },
        { perturb: this.perturb, average: this.average },
      ),
    );
    try {
      const [loss, hits] = await result.data();
      return [loss, hits];
    } finally {
      result.dispose();
    }
  }

  private learningRate(step: number): number {
    const { stage, source } = this.context;
    return learningRateAt(
      {
        peak: stage.learningRate,
        final: stage.finalLearningRate,
        warmupSteps: Math.round(stage.warmupEpochs * source.stepsPerEpoch),
        totalSteps: stage.epochs * source.stepsPerEpoch,
      },
      step,
    );
  }

  private radius(step: number): number {
    const { recipe, stage, index, source } = this.context;
    if (!stage.attack) return 0;
    const from = recipe.stages[index - 1]?.attack?.eps ?? 0;
    const rampSteps = Math.round(stage.attack.ramp * stage.epochs * source.stepsPerEpoch);
    return radiusAt({ from, to: stage.attack.eps, rampSteps }, step);
  }

  /** Measures the model as the stage would hand it on, and moves to the next epoch. */
  private async finishEpoch(meter: EpochMeter): Promise<void> {
    const { recipe, stage, source, model, validationSet, onEvent } = this.context;
    const { eps, steps } = recipe.validation;
    const { imagesPerSecond, dataWait } = meter;
    const attack = eps === undefined ? undefined : { norm: stage.attack?.norm ?? 'Linf', eps, steps };
    this.average?.swap();
    const accuracies = await validate(model, validationSet, attack);
    this.average?.swap();
    const { epoch, lossSum, correct } = this.position;
    const lastStep = this.stepsDone - 1;
    const record: EpochRecord = {
      stage: stage.name,
      epoch: epoch + 1,
      totalEpochs: this.records.length + 1,
      learningRate: this.learningRate(lastStep),
      eps: this.radius(lastStep),
      trainLoss: lossSum / source.stepsPerEpoch,
      trainAccuracy: correct / (source.stepsPerEpoch * stage.batchSize),
      ...accuracies,
      seconds: meter.seconds,
      imagesPerSecond,
      dataWait,
    };
    this.records.push(record);
    this.position = { ...this.position, epoch: epoch + 1, step: 0, lossSum: 0, correct: 0 };
    onEvent?.({ type: 'epoch', record });
  }
}

function perturbation({ norm, steps }: StageAttack): Perturb {
  return (model, images, targets, eps) => trainingApgd({ norm, eps, steps }).perturb(model, images, targets);
}

function diverged(stage: Stage, { epoch, step }: Position): RevatError {
  return new RevatError(
    'bad-model',
    `train: the loss is no longer finite (stage ${stage.name}, epoch ${epoch + 1}, step ${step + 1}). Lower its learningRate.`,
  );
}
