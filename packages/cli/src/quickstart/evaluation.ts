import path from 'node:path';

import type { Classifier } from '@revat/core';
import { digits } from '@revat/data';
import type { Model } from '@revat/models';
import {
  evaluate,
  evaluatedModel,
  mergeShards,
  radiusCurves,
  type EvaluatedModel,
  type EvaluateEvent,
  type EvaluationOptions,
  type EvaluationPart,
  type ModelResult,
  type RadiusCurve,
} from '@revat/robustbench';
import { loadStageModel } from '@revat/train';

import type { Progress } from '../progress.js';
import type { EvaluationJob } from './evaluation-job.js';
import { costOf, EvaluationMeter } from './evaluation-meter.js';
import { runJobs } from './evaluation-pool.js';
import {
  QUICKSTART_CURVE_RADII,
  quickstartImages,
  quickstartThreatModels,
  type QuickstartNetwork,
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
  readonly backend: string;
  /** Models attacked at a time, each in a process of its own. */
  readonly processes: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Images that are attacked together, and lost together when the process is killed. */
const CHUNK_IMAGES = 50;

/**
 * Attacks every stage's model of every network, chunk by chunk in several processes; what an earlier run finished is read
 * from its journals.
 */
export async function evaluateNetworks(
  networks: readonly TrainedNetwork[],
  { settings, out, backend, processes, progress, signal }: Context,
): Promise<QuickstartEvaluation> {
  const images = quickstartImages(settings);
  const shards = Math.ceil(images / CHUNK_IMAGES);
  const jobs = networks.flatMap(({ recipe }, network) =>
    recipe.stages.flatMap(({ name: stage }) =>
      Array.from({ length: shards }, (_, rank) => ({ network, stage, shard: { rank, count: shards } })),
    ),
  );
  const meter = new EvaluationMeter(partsOf(settings).reduce((sum, part) => sum + costOf(part), 0));
  const models: ModelResult[] = [];
  const curves: RadiusCurve[] = [];
  const left = new Map<string, number>();
  const total = (jobs.length / shards) * images;
  progress.start('attack', total, 'images');
  await runJobs(
    jobs,
    { settings, networks, out, backend },
    {
      processes,
      signal,
      onEvent: (job, event) => {
        meter.add(job, event);
        progress.update(meter.images, eventNote(networks[job.network], job, event));
      },
      onDone: async ({ network, stage }) => {
        const id = modelId(networks[network], stage);
        left.set(id, (left.get(id) ?? shards) - 1);
        if (left.get(id) === 0) await mergeShards(path.join(evaluationFolder(out), id));
      },
    },
  );
  progress.stop();
  for (const network of networks)
    for (const { name } of network.recipe.stages) {
      const found = await evaluateStage(network, name, { settings, out, signal });
      models.push(...found.models);
      curves.push(...found.curves);
      for (const line of resultLines(network, name, settings, found)) progress.line(line);
    }
  return { models, curves };
}

interface StageOptions extends Pick<EvaluationOptions, 'shard' | 'onEvent' | 'signal'> {
  readonly settings: QuickstartSettings;
  readonly out: string;
}

/** Attacks the model that a stage ended with, on all test images or a shard of them. */
export async function evaluateStage(
  network: TrainedNetwork,
  stage: string,
  { settings, out, ...options }: StageOptions,
): Promise<QuickstartEvaluation> {
  const shared = { ...options, ...evaluationInput(network, { settings, out }), seed: settings.seed };
  const stored = await loadStageModel(network.run, stage);
  try {
    const model = named(stored, network, stage);
    const { models } = await evaluate({ ...shared, model, threatModels: quickstartThreatModels(settings) });
    return { models, curves: await radiusCurves({ ...shared, model, radii: QUICKSTART_CURVE_RADII }) };
  } finally {
    stored.dispose();
  }
}

/** The images that are attacked, in the chunks of the journals, and the folder of these. */
export function evaluationInput(
  { recipe }: QuickstartNetwork,
  { settings, out }: { settings: QuickstartSettings; out: string },
) {
  return {
    data: digits({ imageSize: recipe.data.imageSize, split: 'test' }),
    samples: quickstartImages(settings),
    batchSize: CHUNK_IMAGES,
    out: evaluationFolder(out),
  };
}

const evaluationFolder = (out: string) => path.join(out, 'evaluation');

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

/** Everything that one job finds out. */
function partsOf(settings: QuickstartSettings): EvaluationPart[] {
  const threats = quickstartThreatModels(settings).map(
    (threatModel) => ({ kind: 'threat', threatModel }) as const,
  );
  const curves = threats.map(({ threatModel: { norm } }) => ({ kind: 'radius-curve', norm }) as const);
  return [{ kind: 'clean' }, ...threats, ...curves];
}

/** What a process is doing: "fine-tuned, Linf, square: 12/41, 3 broken". */
function eventNote(network: TrainedNetwork, { stage }: EvaluationJob, event: EvaluateEvent): string {
  const { part } = event;
  const about =
    part.kind === 'clean' ? 'clean' : part.kind === 'threat' ? part.threatModel.norm : `${part.norm} curve`;
  const attack = event.type === 'attack' ? `, ${event.attack} ${event.finished}/${event.attacked}` : '';
  return `${network.stem}stem ${stage}, ${about}${attack}`;
}

function resultLines(
  network: TrainedNetwork,
  stage: string,
  settings: QuickstartSettings,
  { models: [{ clean, threats }] }: QuickstartEvaluation,
): string[] {
  return [
    `\n${network.label}, ${stageLabel(network.recipe, stage)}`,
    `  clean accuracy: ${percent(clean.accuracy)} of ${clean.total}`,
    ...quickstartThreatModels(settings).map(({ label }, i) => {
      const { robust, seconds } = threats[i];
      return `  ${label}: ${percent(robust.accuracy)} of ${robust.total} (${seconds.toFixed(0)} s of computing)`;
    }),
  ];
}
