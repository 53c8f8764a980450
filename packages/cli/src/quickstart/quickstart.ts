import path from 'node:path';

import { takePictures, writeReport, writeResults, type Picture, type Results } from '@revat/robustbench';
import { claimFolder } from '@revat/train';

import { describeDevice, startEngine } from '../engine.js';
import type { Progress } from '../progress.js';
import { evaluateNetworks, evaluationInput } from './evaluation.js';
import { quickstartResults } from './results.js';
import {
  QUICKSTART_CACHE_BYTES,
  quickstartNetworks,
  quickstartOwner,
  quickstartThreatModels,
  type QuickstartSettings,
} from './settings.js';
import { modelId, trainNetwork, type TrainedNetwork } from './training.js';

export interface QuickstartRun {
  readonly out: string;
  readonly resume: boolean;
  readonly backend: string;
  readonly threads?: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * Trains, attacks and reports; everything is in the folder `out`. Returns the results and the path of the report.
 * Throws 'mismatch' or 'io' for an unusable folder, 'aborted' after saving the state, and whatever its parts throw.
 */
export async function runQuickstart(
  settings: QuickstartSettings,
  run: QuickstartRun,
): Promise<{ results: Results; report: string }> {
  // Operators of so small a network are too short to share: two threads take longer than one (measured: 1.5 times).
  const device = await startEngine({ ...run, threads: 1, cacheBytes: QUICKSTART_CACHE_BYTES });
  const processes = run.threads ?? device.machine.cores;
  claimFolder(run.out, quickstartOwner(settings), run);
  run.progress.line(
    `Engine: ${describeDevice(device)}; ${processes} models attacked at a time. Folder: ${run.out}`,
  );
  const stopwatch = new Stopwatch();
  const networks = await stopwatch.time('training', () => trainAll(settings, run));
  const evaluation = await stopwatch.time('evaluation', () =>
    evaluateNetworks(networks, { settings, ...run, processes }),
  );
  const pictures = await stopwatch.time('pictures', () => drawPictures(settings, networks, run.out));
  const { timings } = stopwatch;
  const results = quickstartResults({ settings, networks, evaluation, pictures, device, timings });
  await writeResults(path.join(run.out, 'results.json'), results);
  return { results, report: await writeReport(run.out) };
}

async function trainAll(settings: QuickstartSettings, run: QuickstartRun): Promise<TrainedNetwork[]> {
  const trained: TrainedNetwork[] = [];
  for (const network of quickstartNetworks(settings)) trained.push(await trainNetwork(network, run));
  return trained;
}

function drawPictures(
  settings: QuickstartSettings,
  networks: readonly TrainedNetwork[],
  out: string,
): Promise<Picture[]> {
  return takePictures({
    ...evaluationInput(networks[0], { settings, out }),
    threatModels: quickstartThreatModels(settings),
    models: networks.flatMap((network) => network.recipe.stages.map(({ name }) => modelId(network, name))),
    folder: out,
  });
}

/** Wall time of the parts of a run, in order. */
class Stopwatch {
  readonly timings: { readonly name: string; readonly seconds: number }[] = [];

  async time<T>(name: string, work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    const result = await work();
    this.timings.push({ name, seconds: (performance.now() - started) / 1000 });
    return result;
  }
}
