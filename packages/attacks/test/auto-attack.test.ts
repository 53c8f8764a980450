/** AutoAttack on the first points of two recorded runs, its options, its diagnostics. All runs: auto-attack.parity.ts. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';

import { autoAttack } from '../src/auto-attack.js';
import { createAttack } from '../src/registry.js';
import { useTestBackend } from './backends.js';
import { flagsThatDiffer, repeatRun } from './golden-auto-attack.js';

beforeAll(() => useTestBackend(process.env.REVAT_BACKEND ?? 'onnx'));

test('the verdicts of the reference on the first points of a recorded run', async () => {
  const points = 10;
  const repeated = await repeatRun('A1_Linf_0.14_standard_seed0', points);
  expect(flagsThatDiffer(repeated)).toBe(0);
  const { stages, brokenBy, findings, images } = repeated.result.diagnostics;
  expect(stages!.map(({ attack }) => attack)).toEqual(['apgd-ce', 'apgd-t', 'fab-t', 'square']);
  expect(images).toBe(points);
  expect(findings).toEqual([]);
  brokenBy!.forEach((attack, i) => expect(attack === null).toBe(repeated.result.success[i] === 0));
  for (const { robustBefore, robustAfter } of stages!) expect(robustAfter).toBeLessThanOrEqual(robustBefore);
  expect(JSON.parse(JSON.stringify(repeated.result.diagnostics))).toEqual(repeated.result.diagnostics);
});

test('strong breaks what standard broke on the first points of a recorded run', async () => {
  const points = 24;
  const { expected, robustAccuracy } = await repeatRun('A1_Linf_0.14_standard_seed0', points, 'strong');
  expect(robustAccuracy * points).toBeLessThanOrEqual(expected.reduce((sum, robust) => sum + robust, 0));
});

describe('options', () => {
  test('are resolved, frozen and enough to make the same attack', () => {
    const attack = autoAttack({ norm: 'Linf', eps: '8/255' });
    expect(attack.options).toEqual({ norm: 'Linf', eps: 8 / 255, version: 'standard', attacks: [] });
    expect(Object.isFrozen(attack.options)).toBe(true);
    const again = createAttack(attack.name, JSON.parse(JSON.stringify(attack.options)) as object);
    expect(again.options).toEqual(attack.options);
  });

  test.each([
    [{ norm: 'L3', eps: 1 }, /unknown norm "L3"/],
    [{ norm: 'Linf' }, /option "eps" is missing/],
    [{ norm: 'Linf', eps: -0.03 }, /eps must be > 0, got -0.03/],
    [
      { norm: 'Linf', eps: 0.1, version: 'best' },
      /version must be one of standard, plus, rand, strong, custom/,
    ],
    [{ norm: 'Linf', eps: 0.1, version: 'custom' }, /version custom needs attacks/],
    [{ norm: 'Linf', eps: 0.1, attacks: ['square'] }, /attacks go with version custom/],
    [{ norm: 'Linf', eps: 0.1, version: 'custom', attacks: ['toString'] }, /unknown attack "toString"/],
    [
      { norm: 'Linf', eps: 0.1, version: 'custom', attacks: [{ name: 'square', options: { step: 3 } }] },
      /square: unknown option "step"/,
    ],
    [{ norm: 'Linf', eps: 0.1, steps: 100 }, /unknown option "steps"/],
  ])('%j is refused: %p', (options, message) => {
    expect(() => createAttack('auto-attack', options)).toThrow(message);
  });
});

test('a model that hides its gradients is told by zero gradients and by Square', async () => {
  // Rounding the pixels has a zero gradient; the sum of the pixels decides.
  const classify = (images: tf.Tensor4D) =>
    tf.tidy(() => {
      const score = tf.sum(tf.div(tf.round(tf.mul(images, 20)), 20), [1, 2, 3]);
      const margin = tf.sub(score, 8);
      return tf.stack([margin, tf.neg(margin), tf.sub(margin, 9), tf.sub(margin, 9)], 1) as tf.Tensor2D;
    });
  const images = tf.fill<tf.Rank.R4>([4, 4, 4, 1], 0.53);
  const attack = autoAttack({
    norm: 'Linf',
    eps: 0.1,
    version: 'custom',
    attacks: [
      { name: 'apgd-ce', options: { steps: 5 } },
      { name: 'square', options: { queries: 100 } },
    ],
  });
  const { adversarial, diagnostics, success } = await attack.run(classify, images, [0, 0, 0, 0]);
  expect([...success]).toEqual([1, 1, 1, 1]);
  expect(diagnostics.findings.map(({ code }) => code)).toContain('zero-gradients');
  if (diagnostics.stages![0].robustAfter > 0) {
    expect(diagnostics.findings.map(({ code }) => code)).toContain('square-beats-white-box');
  }
  tf.dispose([images, adversarial]);
});
