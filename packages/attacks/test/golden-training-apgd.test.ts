/** Training-time APGD against the recorded runs of case 04. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { attackLoss, type NormName, type Targets } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';

import { trainingApgd } from '../src/training-apgd.js';
import { backendsUnderTest, useTestBackend } from './backends.js';
import { golden, nhwc } from './golden.js';
import { goldenNetwork, type GoldenNetwork } from './golden-network.js';

const recorded = golden('04_apgd_train');
const eps = recorded.params.eps as unknown as Record<NormName, number>;
const POINTS = 16;
const SHAPE: [number, number, number, number] = [POINTS, 16, 16, 3];
const names = Object.keys(recorded.params.runs);

const images = (name: string) => tf.tensor4d(nhwc(recorded.floats(name), [POINTS, 3, 16, 16]), SHAPE);
const sum = (values: ArrayLike<number>) => Array.from(values).reduce((total, value) => total + value, 0);

describe.each(backendsUnderTest())('training-time APGD on %s', (backend) => {
  let network: GoldenNetwork;
  beforeAll(async () => {
    await useTestBackend(backend);
    network = goldenNetwork('A2');
  });
  afterAll(() => network.dispose());

  const runs = backend === 'cpu' ? names.filter((name) => !name.includes('_10')) : names;
  test.each(runs)('%s', async (name) => {
    const [norm, kind, count, variant] = name.split('_') as [NormName, 'hard' | 'soft', string, 'testtopk'?];
    const steps = Number(count);
    const clean = images(`x_${kind}`);
    const targets: Targets =
      kind === 'hard'
        ? tf.tensor1d(recorded.numbers('y_hard'), 'int32')
        : tf.tensor2d(recorded.floats('y_soft'), [POINTS, 10]);
    const tensors = tf.memory().numTensors;

    let forwards = 0;
    const classify = (batch: tf.Tensor4D) => {
      forwards++;
      return network.classify(batch);
    };
    const options = { norm, eps: eps[norm], steps, ...(variant && { firstSparsity: 0.2 }) };
    const adversarial = trainingApgd(options).perturb(classify, clean, targets);
    expect(tf.memory().numTensors).toBe(tensors + 1);
    expect(forwards).toBe(steps + 1);

    const losses = tf.tidy(() => attackLoss('ce', network.classify(adversarial), targets));
    const got = await losses.data();
    const points = await adversarial.data();
    tf.dispose([adversarial, losses, clean, targets]);

    const expectedLoss = recorded.numbers(`${name}_lossbest`);
    const expected = nhwc(recorded.floats(`${name}_xbest`), [POINTS, 3, 16, 16]);
    const tolerance = steps === 10 ? 1e-3 : 1e-4;
    let lossesOff = 0;
    let pointsOff = 0;
    for (let p = 0; p < POINTS; p++) {
      if (Math.abs(got[p] - expectedLoss[p]) > tolerance) lossesOff++;
      let worst = 0;
      for (let i = p * 768; i < (p + 1) * 768; i++)
        worst = Math.max(worst, Math.abs(points[i] - expected[i]));
      if (worst > 1e-4) pointsOff++;
    }
    if (steps < 10) expect(pointsOff).toBeLessThanOrEqual(1);
    expect(lossesOff).toBeLessThanOrEqual(norm === 'L1' && steps === 10 ? POINTS / 2 : 1);
    const sumTolerance = norm === 'L1' && steps === 10 ? 5e-3 : 1e-3;
    expect(Math.abs(sum(got) - sum(expectedLoss))).toBeLessThanOrEqual(sumTolerance * sum(expectedLoss));
  });
});
