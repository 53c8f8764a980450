/**
 * On a linear model with two classes the least perturbation that changes the decision, and the largest margin within a
 * radius, are known in closed form. Every attack must find them, in every norm.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { NORM_NAMES, perturbationNorm, randomStream, type Classifier, type NormName } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';

import { apgdTargeted } from '../src/apgd-t.js';
import { apgd } from '../src/apgd.js';
import type { Attack } from '../src/attack.js';
import { fab, fabTargeted } from '../src/fab.js';
import { fgsm } from '../src/fgsm.js';
import { pgd } from '../src/pgd.js';
import { square } from '../src/square.js';
import { useTestBackend } from './backends.js';

const SHAPE: [number, number, number] = [4, 5, 3];
const SIZE = 60;
const COUNT = 5;
/** z_1 - z_0 at every clean image: class 0 by this margin. */
const MARGIN = -0.05;

/** Images away from the box's faces, so that only the ball binds. */
const images = Array.from({ length: COUNT }, (_, i) =>
  randomStream(i, 'image')
    .uniforms(SIZE)
    .map((uniform) => 0.4 + 0.2 * uniform),
);
const weights = randomStream(0, 'weights').normals(SIZE);
const offsets = images.map((image) => MARGIN - image.reduce((sum, x, i) => sum + x * weights[i], 0));

/** |w| in the norm dual to `norm`: what the margin gains per unit of radius. */
function gainPerRadius(norm: NormName): number {
  const dual = { Linf: 'L1', L2: 'L2', L1: 'Linf' } as const;
  return perturbationNorm(dual[norm], new Float32Array(SIZE), weights);
}

/** [-f/2, f/2] with f = w.x + b; one image at a time, since every image has its own b. */
function linearModel(offset: number): Classifier {
  return (batch) =>
    tf.tidy(() => {
      const flat = tf.reshape(batch, [batch.shape[0], SIZE]); // [B,4,5,3] -> [B,60]
      const value = tf.add(tf.matMul(flat, tf.tensor2d(weights, [SIZE, 1])), offset);
      return tf.mul<tf.Tensor2D>(tf.concat([tf.neg(value), value], 1), 0.5);
    });
}

async function runOn(index: number, attack: Attack) {
  let bestLoss = -Infinity;
  const batch = tf.tensor4d(images[index], [1, ...SHAPE]);
  const { adversarial, success } = await attack.run(linearModel(offsets[index]), batch, [0], {
    sampleIds: [index],
    onStep: (event) => (bestLoss = Math.max(bestLoss, event.bestLoss)),
  });
  const length = perturbationNorm(attack.norm, images[index], await adversarial.data<'float32'>());
  tf.dispose([batch, adversarial]);
  return { success: success[0] === 1, bestLoss, length };
}

beforeAll(() => useTestBackend('cpu'));
afterAll(() => tf.disposeVariables());

describe.each(NORM_NAMES)('linear model, %s', (norm) => {
  const least = -MARGIN / gainPerRadius(norm);

  // How far above the least radius an attack is sure to succeed. In L1 gradient steps spread over several pixels (FGSM and
  // PGD: 5 % of them; APGD: one to six at the end, and so does the reference on this problem), and Square only guesses.
  const attacks: [string, number, (eps: number) => Attack][] = [
    ['fgsm', norm === 'L1' ? 1.3 : 1.01, (eps) => fgsm({ norm, eps })],
    ['pgd', norm === 'L1' ? 1.5 : 1.01, (eps) => pgd({ norm, eps, stepSize: 0.2 * eps })],
    ['apgd', norm === 'L1' ? 1.5 : 1.01, (eps) => apgd({ norm, eps, loss: 'ce' })],
    ['apgd-t', norm === 'L1' ? 1.5 : 1.01, (eps) => apgdTargeted({ norm, eps })],
    ['fab', 1.01, (eps) => fab({ norm, eps })],
    ['fab-t', 1.01, (eps) => fabTargeted({ norm, eps })],
    ['square', { Linf: 2, L2: 3, L1: 4 }[norm], (eps) => square({ norm, eps, queries: 1000 })],
  ];

  test.each(attacks)(
    '%s succeeds just above the least radius and never below',
    async (_name, factor, create) => {
      for (let index = 0; index < COUNT; index++) {
        expect((await runOn(index, create(factor * least))).success).toBe(true);
        expect((await runOn(index, create(0.999 * least))).success).toBe(false);
      }
    },
  );

  test.each([
    ['apgd', (eps: number) => apgd({ norm, eps, loss: 'margin' })],
    ['apgd-t', (eps: number) => apgdTargeted({ norm, eps, loss: 'margin-targeted' })],
  ] as [string, (eps: number) => Attack][])('%s reaches the largest margin', async (_name, create) => {
    const eps = 0.9 * least;
    const sizes = weights.map(Math.abs).sort();
    const sixLargest = sizes.slice(-6).reduce((sum, size) => sum + size, 0) / 6;
    const largest = MARGIN + eps * gainPerRadius(norm);
    const enough = norm === 'L1' ? MARGIN + eps * sixLargest : largest - 0.01 * Math.abs(MARGIN);
    for (let index = 0; index < COUNT; index++) {
      const { bestLoss } = await runOn(index, create(eps));
      expect(bestLoss).toBeLessThan(largest + 1e-6);
      expect(bestLoss).toBeGreaterThan(enough - 1e-6);
    }
  });

  test.each([
    ['fab', fab({ norm, eps: 10, minimize: true })],
    ['fab-t', fabTargeted({ norm, eps: 10, minimize: true })],
  ] as [string, Attack][])('%s finds the least perturbation', async (_name, attack) => {
    for (let index = 0; index < COUNT; index++) {
      const { success, length } = await runOn(index, attack);
      expect(success).toBe(true);
      expect(length).toBeGreaterThan(0.9999 * least);
      expect(length).toBeLessThan(1.01 * least);
    }
  });
});
