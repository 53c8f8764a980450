import path from 'node:path';

import { formatRadius } from '@revat/core';
import type { TrainingReport } from '@revat/robustbench';
import { train, type Recipe, type TrainEvent, type TrainResult } from '@revat/train';
import { existsSync } from 'node:fs';

import type { Progress } from '../progress.js';
import type { QuickstartNetwork } from './settings.js';

export interface TrainedNetwork extends QuickstartNetwork, TrainResult {}

/** Trains one network of the quickstart in its own folder, or finishes the training that an earlier run began there. */
export async function trainNetwork(
  network: QuickstartNetwork,
  { out, progress, signal }: { out: string; progress: Progress; signal: AbortSignal },
): Promise<TrainedNetwork> {
  const folder = path.join(out, network.stem);
  progress.line(`\n${network.label}: ${network.recipe.description}`);
  const result = await train(network.recipe, {
    out: folder,
    resume: existsSync(folder),
    // The step has one core, the making of the next images another.
    workers: 1,
    signal,
    onEvent: trainingPrinter(progress),
  });
  return { ...network, ...result };
}

/** Shows training: a bar per stage, a line per finished stage. */
export function trainingPrinter(progress: Progress): (event: TrainEvent) => void {
  let last = '';
  return (event) => {
    switch (event.type) {
      case 'stage-start':
        progress.start(`training · ${event.stage}`, event.steps, 'steps');
        break;
      case 'step':
        progress.update(event.step, `loss ${event.loss.toFixed(3)}${last}`);
        break;
      case 'epoch': {
        const { cleanAccuracy, robustAccuracy } = event.record;
        last = `, clean ${percent(cleanAccuracy)}${robustAccuracy === undefined ? '' : `, robust ${percent(robustAccuracy)}`}`;
        break;
      }
      case 'stage-end':
        progress.stop();
        progress.line(`  ${event.stage}: ${last.slice(2)} on validation images`);
        last = '';
    }
  };
}

export const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/** Label of a stage: what it trained for. */
export function stageLabel({ stages }: Recipe, name: string): string {
  const index = stages.findIndex((stage) => stage.name === name);
  const attack = stages[index].attack;
  if (!attack) return 'clean-trained';
  const radius = `${attack.norm} ${formatRadius(attack.eps)}`;
  const tuned = stages.slice(0, index).some((stage) => stage.attack);
  return tuned ? `fine-tuned to ${radius}` : `adversarially trained, ${radius}`;
}

/** Stable id of the model that a stage ends with. */
export const modelId = ({ stem }: QuickstartNetwork, stage: string) => `${stem}stem-${stage}`;

/** The training curves for the report. */
export function trainingReport(network: TrainedNetwork): TrainingReport {
  return {
    label: network.label,
    stages: network.recipe.stages.map(({ name }) => ({
      name,
      label: stageLabel(network.recipe, name),
      model: modelId(network, name),
      epochs: network.history
        .filter(({ stage }) => stage === name)
        .map(({ epoch, trainLoss, cleanAccuracy, robustAccuracy, learningRate, seconds }) => ({
          epoch,
          loss: trainLoss,
          cleanAccuracy,
          adversarialAccuracy: robustAccuracy ?? null,
          learningRate,
          seconds,
        })),
    })),
  };
}
