import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { useBackend } from '@revat/backend';
import * as tf from '@tensorflow/tfjs-core';

import { evaluate } from '../src/evaluate.js';
import { threatModel } from '../src/threat-model.js';
import { linearProblem } from './linear-problem.js';

describe('on the onnx engine', () => {
  beforeAll(async () => {
    await useBackend('onnx', { threads: 1 });
  });
  afterAll(async () => {
    await useBackend('cpu');
  });

  test('an evaluation finds the accuracies of the cpu backend and leaks no tensors', async () => {
    const threatModels = [
      threatModel({ norm: 'Linf', eps: 0.02, protocol: 'apgdt' }),
      threatModel({ norm: 'L1', eps: 0.4, protocol: 'apgd-ce' }),
    ];
    const counts = async () => {
      const problem = linearProblem();
      const before = tf.memory().numTensors;
      const { models } = await evaluate({ ...problem, threatModels, batchSize: 16 });
      expect(tf.memory().numTensors).toBe(before);
      problem.dispose();
      return [models[0].clean.correct, ...models[0].threats.map(({ robust }) => robust.correct)];
    };
    const onEngine = await counts();
    await useBackend('cpu');
    expect(onEngine).toEqual(await counts());
    expect(onEngine[1]).toBeGreaterThan(0);
    expect(onEngine[1]).toBeLessThan(onEngine[0]);
  });
});
