import { accuracyOf } from '../src/accuracy.js';
import { encodePng } from '../src/png.js';
import type { ModelResult, Picture, RadiusCurve, Results, TrainingEpoch } from '../src/results.js';
import { threatModel } from '../src/threat-model.js';

/** A complete results document as a small run would write it, with numbers of a plausible size. */
export function sampleResults(): Results {
  const threatModels = [
    threatModel({ norm: 'Linf', eps: 0.15, seen: true }),
    threatModel({ norm: 'L2', eps: 1.5, protocol: 'apgdt' }),
    threatModel({ norm: 'L1', eps: 12, protocol: 'apgdt' }),
  ];
  const models = [
    sampleModel('clean', 'Clean-trained', 99, [0, 31, 27]),
    sampleModel('adversarial', 'Adversarially trained to 0.075', 98, [41, 66, 49]),
    sampleModel('fine-tuned', 'Fine-tuned to 0.15', 97, [68, 71, 52]),
  ];
  return {
    schema: 'revat.results',
    version: 1,
    created: '2026-01-02T03:04:05.000Z',
    recipe: {
      name: 'Quickstart',
      command: 'npm run quickstart -- --seed 0',
      seed: 0,
      versions: { revat: '0.1.0', node: 'v22.1.0', '@tensorflow/tfjs-core': '4.22.0' },
      settings: { stem: 'conv', stages: [{ name: 'clean', epochs: 6 }] },
    },
    device: {
      backend: 'onnx',
      provider: 'cpu',
      threads: 2,
      processor: 'A processor',
      cores: 2,
      memoryBytes: 2 ** 31,
      platform: 'linux x64',
    },
    data: {
      name: 'digits',
      classNames: ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'],
      imageSize: 32,
      trainImages: 1297,
      testImages: 100,
    },
    threatModels,
    models,
    training: [{ label: 'ConvNeXt + ConvStem', stages: sampleStages() }],
    radiusCurves: models.flatMap(({ id, clean }, m) => sampleCurves(id, clean.correct, m)),
    pictures: threatModels.flatMap(({ id }) =>
      [17, 404, 1213].map((sampleId, i) => samplePicture(id, models[i].id, sampleId)),
    ),
    timings: [
      { name: 'training', seconds: 96.4 },
      { name: 'evaluation', seconds: 81.2 },
    ],
    files: [{ path: 'fine-tuned.safetensors', description: 'weights of the fine-tuned model' }],
  };
}

function sampleModel(id: string, label: string, clean: number, robust: readonly number[]): ModelResult {
  const protocols = ['autoattack-standard', 'apgdt', 'apgdt'];
  const prefixes = ['linf-0.15', 'l2-1.5', 'l1-12'];
  return {
    id,
    label,
    architecture: 'ConvNeXt, ConvStem',
    parameters: 215_402,
    weights: 'ab'.repeat(32),
    clean: accuracyOf(clean, 100),
    findings: [],
    threats: robust.map((count, i) => ({
      threatModel: `${prefixes[i]}-${protocols[i]}`,
      robust: accuracyOf(count, 100),
      attacks:
        i === 0
          ? ['apgd-ce', 'apgd-t', 'fab-t', 'square'].map((name, stage) => ({
              name,
              robust: Math.min(clean, count + [3, 1, 0, 0][stage]),
              forward: 10_000,
              backward: 9_900,
            }))
          : [{ name: 'apgd-t', robust: count, forward: 12_000, backward: 11_800 }],
      forward: 299_532,
      backward: 97_753,
      seconds: 12.4 + 20 * i,
      findings: [],
    })),
  };
}

function sampleStages(): Results['training'][number]['stages'] {
  const epoch = (number: number, loss: number, clean: number, adversarial: number): TrainingEpoch => ({
    epoch: number,
    loss,
    cleanAccuracy: clean,
    adversarialAccuracy: adversarial,
    learningRate: 0.001,
    seconds: 3.2,
  });
  return [
    {
      name: 'clean',
      label: 'clean-trained',
      model: 'clean',
      epochs: [2.1, 1.2, 0.7, 0.4, 0.25].map((loss, i) => epoch(i + 1, loss, 0.99 - 0.5 ** (i + 1), 0.02)),
    },
    {
      name: 'adversarial',
      label: 'adversarially trained, Linf 0.075',
      model: 'adversarial',
      epochs: [1.4, 1.1, 0.9, 0.8, 0.72, 0.66, 0.61].map((loss, i) =>
        epoch(i + 1, loss, 0.9 + 0.01 * i, 0.5 + 0.05 * i),
      ),
    },
    {
      name: 'fine-tuned',
      label: 'fine-tuned to Linf 0.15',
      model: 'fine-tuned',
      epochs: [1.3, 1.15, 1.05, 1].map((loss, i) => epoch(i + 1, loss, 0.95 + 0.005 * i, 0.55 + 0.04 * i)),
    },
  ];
}

function sampleCurves(model: string, clean: number, strength: number): RadiusCurve[] {
  const radii = {
    Linf: [0.05, 0.1, 0.15, 0.2, 0.25, 0.3],
    L2: [0.5, 1, 1.5, 2, 2.5],
    L1: [3, 6, 9, 12, 15, 18],
  };
  return (['Linf', 'L2', 'L1'] as const).map((norm) => ({
    model,
    norm,
    protocol: 'apgd-ce',
    total: 100,
    points: [0, ...radii[norm]].map((eps, i) => ({
      eps,
      robust: Math.max(0, Math.round(clean - i * i * (12 - 4.5 * strength) * 0.6)),
    })),
  }));
}

const SIDE = 32;

function samplePicture(threat: string, model: string, sampleId: number): Picture {
  const name = `pictures/${model}-${threat}-${sampleId}`;
  return {
    model,
    threatModel: threat,
    sampleId,
    label: 3,
    clean: { class: 3, confidence: 0.9934 },
    adversarial: { class: 8, confidence: 0.6121 },
    distance: 0.15,
    magnification: 3.33,
    width: SIDE,
    height: SIDE,
    files: {
      clean: `${name}-clean.png`,
      adversarial: `${name}-adversarial.png`,
      difference: `${name}-difference.png`,
    },
  };
}

/** PNG files for every picture of the results: gradients and rings in place of photographs. */
export function samplePictures({ pictures }: Results): Map<string, Uint8Array> {
  const draw = (value: (x: number, y: number) => number) => {
    const pixels = new Uint8Array(SIDE * SIDE * 3);
    for (let i = 0; i < SIDE * SIDE; i++)
      pixels.fill(value(i % SIDE, Math.floor(i / SIDE)), i * 3, i * 3 + 3);
    return encodePng(pixels, SIDE, SIDE, 3);
  };
  const ring = (x: number, y: number) => (Math.abs(Math.hypot(x - 15.5, y - 15.5) - 9) < 3 ? 240 : 10);
  const noise = (x: number, y: number) => ((x * 7 + y * 13) % 5) * 18;
  return new Map(
    pictures.flatMap(({ files }) => [
      [files.clean, draw(ring)],
      [files.adversarial, draw((x, y) => Math.min(255, ring(x, y) * 0.8 + noise(x, y)))],
      [files.difference, draw((x, y) => 92 + noise(x, y))],
    ]),
  );
}
