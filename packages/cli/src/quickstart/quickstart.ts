import path from 'node:path';

import { renderReport, writeResults, type Results } from '@revat/robustbench';
import { claimFolder } from '@revat/train';
import { writeFileSync } from 'node:fs';

import { startEngine } from '../engine.js';
import type { Progress } from '../progress.js';
import { evaluateNetworks } from './evaluation.js';
import { quickstartResults } from './results.js';
import { quickstartNetworks, quickstartOwner, type QuickstartSettings } from './settings.js';
import { trainNetwork, type TrainedNetwork } from './training.js';

export interface QuickstartRun {
  readonly out: string;
  readonly resume: boolean;
  readonly backend: string;
  readonly threads?: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Trains, attacks and reports. Returns the results and the path of the report; everything is in the folder `out`. */
export async function runQuickstart(
  settings: QuickstartSettings,
  run: QuickstartRun,
): Promise<{ results: Results; report: string }> {
  claimFolder(run.out, quickstartOwner(settings), run);
  const engine = await startEngine(run);
  run.progress.line(`revat quickstart · ${engine.description} · ${run.out}`);
  const timings: { name: string; seconds: number }[] = [];
  const timed = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    const result = await work();
    timings.push({ name, seconds: (performance.now() - started) / 1000 });
    return result;
  };
  const networks = await timed('training', async () => {
    const trained: TrainedNetwork[] = [];
    for (const network of quickstartNetworks(settings)) trained.push(await trainNetwork(network, run));
    return trained;
  });
  const evaluation = await timed('evaluation', () => evaluateNetworks(networks, { settings, ...run }));
  return { results, report };
}
