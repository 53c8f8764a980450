import { digits } from '@revat/data';
import type { DeviceReport } from '@revat/backend';
import { RESULTS_VERSION, type Picture, type Results } from '@revat/robustbench';

import { deviceForResults, engineVersions } from '../engine.js';
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
      versions: { revat: packageVersion(), node: process.versions.node, ...engineVersions(found.device) },
      settings: Object.fromEntries(networks.map(({ stem, recipe }) => [stem, recipe])),
    },
    device: deviceForResults(found.device),
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
