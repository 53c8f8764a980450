import path from 'node:path';

import type { Classifier } from '@revat/core';
import { digits } from '@revat/data';
import type { Model } from '@revat/models';
import {
  evaluate,
  evaluatedModel,
  radiusCurves,
  type EvaluatedModel,
  type EvaluateEvent,
  type ModelResult,
  type RadiusCurve,
} from '@revat/robustbench';
import { loadStageModel } from '@revat/train';

import type { Progress } from '../progress.js';
import {
  QUICKSTART_CURVE_RADII,
  quickstartImages,
  quickstartThreatModels,
  type QuickstartSettings,
} from './settings.js';
import { modelId, percent, stageLabel, type TrainedNetwork } from './training.js';

export interface QuickstartEvaluation {
  readonly models: readonly ModelResult[];
  readonly curves: readonly RadiusCurve[];
}

interface Context {
  readonly settings: QuickstartSettings;
  readonly out: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Attacks every stage's model of every network; what an earlier run finished is read from its journal. */
export async function evaluateNetworks(
  networks: readonly TrainedNetwork[],
  { settings, out, progress, signal }: Context,
): Promise<QuickstartEvaluation> {
  const shared = {
    data: digits({ imageSize: networks[0].recipe.data.imageSize, split: 'test' }),
    samples: quickstartImages(settings),
    seed: settings.seed,
    out: path.join(out, 'evaluation'),
    onEvent: evaluationPrinter(progress),
    signal,
  };
  const models: ModelResult[] = [];
  const curves: RadiusCurve[] = [];
  for (const network of networks) {
    for (const { name } of network.recipe.stages) {
      await withStageModel(network, name, async (model) => {
        progress.line(`\n${model.label}`);
        const result = await evaluate({ ...shared, model, threatModels: quickstartThreatModels(settings) });
        models.push(...result.models);
        curves.push(...(await radiusCurves({ ...shared, model, radii: QUICKSTART_CURVE_RADII })));
      });
    }
  }
  return { models, curves };
}

/** Runs `work` on the model that a stage ended with. */
export async function withStageModel<T>(
  network: TrainedNetwork,
  stage: string,
  work: (model: EvaluatedModel) => Promise<T>,
): Promise<T> {
  const model = await loadStageModel(network.run, stage);
  try {
    return await work(named(model, network, stage));
  } finally {
    model.dispose();
  }
}

function named(
  model: Model,
  network: TrainedNetwork,
  stage: string,
): EvaluatedModel & { classify: Classifier } {
  return evaluatedModel(model, {
    id: modelId(network, stage),
    label: `${network.label}, ${stageLabel(network.recipe, stage)}`,
    architecture: network.label,
  });
}

/** Shows an evaluation: a bar per threat model, a line with its result. */
export function evaluationPrinter(progress: Progress): (event: EvaluateEvent) => void {
  let done = 0;
  return (event) => {
    const task = partLabel(event);
    switch (event.type) {
      case 'begin':
        done = 0;
        progress.start(`attack · ${task}`, event.total, 'images');
        break;
      case 'attack':
        progress.update(done, `${event.attack}: ${event.finished}/${event.attacked}, ${event.broken} broken`);
        break;
      case 'chunk':
        done = event.done;
        progress.update(done);
        break;
      case 'end':
        progress.stop();
        progress.line(
          `  ${task}: ${percent(event.correct / event.total)} of ${event.total} (${event.seconds.toFixed(0)} s)`,
        );
    }
  };
}

function partLabel({ part }: EvaluateEvent): string {
  if (part.kind === 'clean') return 'clean accuracy';
  return part.kind === 'threat' ? part.threatModel.label : `${part.norm} radius curve`;
}
