import os from 'node:os';

import { digits } from '@revat/data';
import { RESULTS_VERSION, type DeviceReport, type Picture, type Results } from '@revat/robustbench';

import { packageVersion } from '../package-version.js';
import type { QuickstartEvaluation } from './evaluation.js';
import { quickstartThreatModels, type QuickstartSettings } from './settings.js';
import { trainingReport, type TrainedNetwork } from './training.js';

export interface QuickstartFindings {
  readonly settings: QuickstartSettings;
  readonly networks: readonly TrainedNetwork[];
  readonly evaluation: QuickstartEvaluation;
  readonly pictures: readonly Picture[];
  readonly device: DeviceReport;
  readonly engineVersions: Readonly<Record<string, string>>;
  readonly timings: readonly { readonly name: string; readonly seconds: number }[];
}

/** Everything the quickstart found, as results.json holds it. */
export function quickstartResults(found: QuickstartFindings): Results {
  const { settings, networks, evaluation } = found;
  const imageSize = networks[0].recipe.data.imageSize;
  const test = digits({ imageSize, split: 'test' });
  return {
    schema: 'revat.results',
    version: RESULTS_VERSION,
    created: new Date().toISOString(),
    recipe: {
      name: 'quickstart',
      command: `npm run quickstart --${settings.full ? ' --full' : ''} --seed ${settings.seed}`,
      seed: settings.seed,
      versions: { revat: packageVersion(), node: process.versions.node, ...found.engineVersions },
      settings: Object.fromEntries(networks.map(({ stem, recipe }) => [stem, recipe])),
    },
    device: found.device,
    data: {
      name: 'digits',
      classNames: test.classNames,
      imageSize,
      trainImages: digits({ imageSize, split: 'train' }).length,
      testImages: test.length,
    },
    threatModels: quickstartThreatModels(settings),
    models: evaluation.models,
    training: networks.map(trainingReport),
    radiusCurves: evaluation.curves,
    pictures: found.pictures,
    timings: found.timings,
    files: [
      { path: 'report.html', description: 'This report' },
      { path: 'evaluation', description: 'Verdict on every image and every adversarial image found' },
      ...networks.flatMap(({ stem, checkpoints }) =>
        checkpoints.map(({ stage }) => ({
          path: `${stem}/checkpoints/${stage}.safetensors`,
          description: `Weights after stage ${stage}`,
        })),
      ),
    ],
  };
}

/** Processor, memory and system of this machine, for a device report. */
export function machineReport(): Pick<DeviceReport, 'processor' | 'cores' | 'memoryBytes' | 'platform'> {
  return {
    processor: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    platform: `${os.platform()} ${os.arch()}`,
  };
}
