import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { useBackend } from '@revat/backend';
import { train, type RecipeInput, type TrainEvent, type TrainResult } from '@revat/train';
import * as tf from '@tensorflow/tfjs-core';

/** Two stages of twenty and ten steps, with drop path, so that its randomness has to be resumed, too. */
const RECIPE: RecipeInput = {
  name: 'resume',
  data: { name: 'digits', imageSize: 32 },
  model: {
    name: 'convnext_micro',
    stem: 'conv',
    depths: [1, 1],
    dims: [16, 16],
    numClasses: 10,
    dropPath: 0.1,
  },
  validation: { images: 50, eps: 0.075, steps: 2 },
  stages: [
    { name: 'clean', epochs: 2, batchSize: 128, learningRate: 3e-3, augmentation: 'digits' },
    {
      name: 'adversarial',
      epochs: 2,
      batchSize: 256,
      learningRate: 3e-3,
      averageDecay: 0.9,
      attack: { eps: 0.075, ramp: 0.5 },
    },
  ],
};

let scratch = '';
let whole: TrainResult;

const numbers = ({ history, checkpoints }: TrainResult) => ({
  weights: checkpoints.map(({ sha256 }) => sha256),
  history: history.map(({ trainLoss, trainAccuracy, cleanAccuracy, robustAccuracy, eps }) => [
    trainLoss,
    trainAccuracy,
    cleanAccuracy,
    robustAccuracy,
    eps,
  ]),
});

/** Trains until the step (counted over all stages) and interrupts. */
async function interruptedAt(out: string, step: number): Promise<void> {
  const controller = new AbortController();
  let seen = 0;
  const onEvent = ({ type }: TrainEvent) => {
    if (type === 'step' && ++seen === step) controller.abort();
  };
  await expect(train(RECIPE, { out, signal: controller.signal, onEvent })).rejects.toMatchObject({
    code: 'aborted',
  });
}

beforeAll(async () => {
  scratch = mkdtempSync(path.join(os.tmpdir(), 'revat-train-'));
  await useBackend('onnx', { threads: 2 });
  whole = await train(RECIPE, { out: path.join(scratch, 'whole') });
}, 300_000);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('train', () => {
  test('learns, records every epoch and leaves no tensors behind', async () => {
    const before = tf.memory().numTensors;
    const again = await train(RECIPE, { out: path.join(scratch, 'again') });
    expect(tf.memory().numTensors).toBe(before);
    expect(again.history.map(({ stage, epoch, totalEpochs }) => `${stage} ${epoch} ${totalEpochs}`)).toEqual([
      'clean 1 1',
      'clean 2 2',
      'adversarial 1 3',
      'adversarial 2 4',
    ]);
    expect(again.history[1].trainLoss).toBeLessThan(again.history[0].trainLoss);
    expect(again.history[3].eps).toBe(0.075);
    expect(again.history[3].robustAccuracy).toBeLessThanOrEqual(again.history[3].cleanAccuracy);
    expect(numbers(again)).toEqual(numbers(whole));
  }, 300_000);

  test.each([4, 23])(
    'interrupted at step %i and resumed, the numbers are those of one run',
    async (step) => {
      const out = path.join(scratch, `step-${step}`);
      await interruptedAt(out, step);
      expect(numbers(await train(RECIPE, { out, resume: true }))).toEqual(numbers(whole));
    },
    300_000,
  );

  test('resuming a finished run changes nothing', async () => {
    const out = path.join(scratch, 'whole');
    expect(numbers(await train(RECIPE, { out, resume: true }))).toEqual(numbers(whole));
  });

  test('a damaged state or checkpoint is refused, and left as it is', async () => {
    const out = path.join(scratch, 'damaged');
    await interruptedAt(out, 22);
    const folder = path.join(out, 'training');
    const variables = path.join(
      folder,
      readdirSync(folder).find((name) => name.startsWith('variables-'))!,
    );
    const good = readFileSync(variables);
    const flipped = Uint8Array.from(good);
    flipped[flipped.length - 5] ^= 1;
    writeFileSync(variables, flipped);
    await expect(train(RECIPE, { out, resume: true })).rejects.toThrow(/damaged: its SHA-256/);
    truncateSync(variables, 100);
    await expect(train(RECIPE, { out, resume: true })).rejects.toThrow(/damaged/);
    writeFileSync(variables, good);
    const clean = path.join(out, 'checkpoints/clean.safetensors');
    truncateSync(clean, 1000);
    await expect(train(RECIPE, { out, resume: true })).rejects.toThrow(/clean\.safetensors is damaged/);
    expect(readFileSync(clean)).toHaveLength(1000);
    writeFileSync(path.join(folder, 'state.json'), '{"position": 3}');
    await expect(train(RECIPE, { out, resume: true })).rejects.toThrow(/state\.json is damaged/);
  }, 300_000);

  test('a loss that diverges is an error that names the stage', async () => {
    const stage = { name: 'wild', epochs: 1, batchSize: 128, learningRate: 1e30 };
    const run = train({ ...RECIPE, stages: [stage] }, { out: path.join(scratch, 'wild') });
    await expect(run).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining('stage wild'),
    });
  }, 300_000);

  test('unknown data, model and augmentation leave no folder behind', async () => {
    const out = path.join(scratch, 'unknown');
    const wrong: [Partial<RecipeInput>, RegExp][] = [
      [{ data: { name: 'imagenette', imageSize: 32 } }, /unknown data set "imagenette"/],
      [
        { data: { name: 'image-folder', imageSize: 32, train: '/no/such', validation: '/no/such' } },
        /no\/such/,
      ],
    ];
    for (const [change, message] of wrong)
      await expect(train({ ...RECIPE, ...change }, { out })).rejects.toThrow(message);
    expect(existsSync(out)).toBe(false);
  });
});
