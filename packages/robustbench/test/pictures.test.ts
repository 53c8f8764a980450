import { readdir } from 'node:fs/promises';
import path from 'node:path';

import { beforeAll, describe, expect, test } from '@jest/globals';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';

import { evaluate } from '../src/evaluate.js';
import { takePictures } from '../src/pictures.js';
import { threatModel } from '../src/threat-model.js';
import { linearProblem } from './linear-problem.js';
import { withTemporaryFolder } from './temporary-folder.js';

const THREATS = [
  threatModel({ norm: 'Linf', eps: 0.1, protocol: 'apgd-ce' }),
  threatModel({ norm: 'L2', eps: 0.5, protocol: 'apgd-ce' }),
];

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('takePictures', () => {
  test('draws broken images of different classes, for every threat model', async () => {
    await withTemporaryFolder(async (folder) => {
      const problem = linearProblem();
      const { model, data } = problem;
      const options = { data, threatModels: THREATS, batchSize: 8, out: path.join(folder, 'evaluation') };
      await evaluate({ ...options, model });
      const before = tf.memory().numTensors;
      const pictures = await takePictures({ ...options, models: [model.id], folder, examples: 2 });
      expect(tf.memory().numTensors).toBe(before);
      expect(pictures.map((picture) => picture.threatModel)).toEqual(THREATS.flatMap(({ id }) => [id, id]));
      for (const { id, eps } of THREATS) {
        const some = pictures.filter((picture) => picture.threatModel === id);
        expect(new Set(some.map(({ label }) => label)).size).toBe(2);
        for (const { clean, adversarial, label, distance } of some) {
          expect(clean.class).toBe(label);
          expect(adversarial.class).not.toBe(label);
          expect(distance).toBeLessThanOrEqual(eps * 1.000001);
        }
      }
      // A Linf perturbation of a linear model uses the whole radius: the difference is magnified to full contrast.
      expect(pictures[0].magnification).toBeCloseTo(0.5 / 0.1, 3);
      const files = await readdir(path.join(folder, 'pictures'));
      expect(files.sort()).toEqual(
        pictures.flatMap((picture) => Object.values(picture.files).map((file) => path.basename(file))).sort(),
      );
      problem.dispose();
    });
  });

  test('refuses folders without an evaluation, and other images', async () => {
    await withTemporaryFolder(async (folder) => {
      const problem = linearProblem();
      const { model, data } = problem;
      const options = { data, threatModels: THREATS, batchSize: 8, out: path.join(folder, 'evaluation') };
      const take = (change = {}) => takePictures({ ...options, models: [model.id], folder, ...change });
      await expect(take()).rejects.toMatchObject({ code: 'not-found' });
      await evaluate({ ...options, model });
      await expect(take({ batchSize: 7 })).rejects.toMatchObject({ code: 'mismatch' });
      problem.dispose();
    });
  });
});
