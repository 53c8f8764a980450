/** Losses, projections, logits and input gradients, and PGD against the reference: cases 00, 01, 02 and 08. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { attackLoss, createBall, l1Correction, lossValue, type LossName, type NormName } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';

import { ModelEvaluator } from '../src/model-evaluator.js';
import { pgd } from '../src/pgd.js';
import { oneHot } from '../src/sample.js';
import { backendsUnderTest, useTestBackend } from './backends.js';
import { golden, nhwc } from './golden.js';
import { goldenImages, goldenNetwork } from './golden-network.js';

const largest = (differences: ArrayLike<number>) =>
  Array.from(differences).reduce((max, d) => Math.max(max, d), 0);

describe.each(backendsUnderTest())('on %s', (backend) => {
  beforeAll(() => useTestBackend(backend));

  describe('losses (case 01)', () => {
    const recorded = golden('01_losses');
    const LOSSES: readonly (readonly [string, LossName])[] = [
      ['ce', 'ce'],
      ['dlr', 'dlr'],
      ['dlr_t', 'dlr-targeted'],
      ['ce_t', 'ce-targeted'],
    ];
    const groups = ['rand10', 'scaled', 'k4', 'k100', 'ties'];

    test.each(groups.flatMap((group) => LOSSES.map(([key, name]) => [group, key, name] as const)))(
      '%s %s',
      async (group, key, name) => {
        const { shape, data } = recorded.array(`${group}_logits`);
        const [count, classes] = shape;
        const labels = recorded.numbers(`${group}_y`);
        const targets = recorded.numbers(`${group}_t`);
        const z = tf.tensor2d(data as Float32Array, [count, classes]);
        const [y, t] = [tf.tensor1d(labels, 'int32'), tf.tensor1d(targets, 'int32')];
        const value = attackLoss(name, z, y, t);
        const gradient = tf.grad((points: tf.Tensor) =>
          tf.sum(attackLoss(name, points as tf.Tensor2D, y, t)),
        )(z);
        const [got, slopes] = [await value.data(), await gradient.data()];
        tf.dispose([z, y, t, value, gradient]);

        const expected = recorded.floats(`${group}_${key}`);
        const expectedSlopes = recorded.floats(`${group}_${key}_grad`);
        // At ties the gradient of DLR depends on how equal logits are sorted.
        const comparable =
          group === 'ties' && key === 'dlr' ? recorded.numbers('ties_grad_ok_dlr') : labels.map(() => 1);
        for (let i = 0; i < count; i++) {
          const tolerance = 1e-5 + 1e-5 * Math.abs(expected[i]);
          expect(Math.abs(got[i] - expected[i])).toBeLessThanOrEqual(tolerance);
          const row = (data as Float32Array).subarray(i * classes, (i + 1) * classes);
          expect(Math.abs(lossValue(name, row, labels[i], targets[i]) - expected[i])).toBeLessThanOrEqual(
            tolerance,
          );
          if (!comparable[i] || (group === 'ties' && key === 'dlr_t') || new Set(row).size === 1) continue;
          for (let k = i * classes; k < (i + 1) * classes; k++) {
            expect(Math.abs(slopes[k] - expectedSlopes[k])).toBeLessThanOrEqual(
              1e-5 + 1e-5 * Math.abs(expectedSlopes[k]),
            );
          }
        }
      },
    );
  });

  test.each(['A1', 'A2'] as const)('logits and input gradients of %s (case 00)', async (name) => {
    const recorded = golden('00_data');
    const network = goldenNetwork(name);
    const { images, labels } = goldenImages(Array.from({ length: 32 }, (_, i) => i));
    const evaluator = new ModelEvaluator(network.classify, [16, 16, 3]);
    const answers = await evaluator.evaluate(
      images.map((image, i) => ({ image, loss: 'ce', label: oneHot(labels[i], 10) })),
    );
    const logits = recorded.floats(`logits32_${name}`);
    const gradients = nhwc(recorded.floats(`grad32_${name}`), [32, 3, 16, 16]);
    answers.forEach((answer, i) => {
      expect(largest(answer.logits.map((z, k) => Math.abs(z - logits[i * 10 + k])))).toBeLessThanOrEqual(
        1e-4,
      );
      answer.gradient.forEach((slope, k) => {
        const expected = gradients[i * 768 + k];
        expect(Math.abs(slope - expected)).toBeLessThanOrEqual(1e-5 + 1e-4 * Math.abs(expected));
      });
    });
    network.dispose();
  });
});

describe('projections (case 02)', () => {
  const recorded = golden('02_projections');
  const eps = recorded.params as unknown as Record<string, number>;

  test.each(['l1_d12', 'l1_d12_tight', 'l1_d12_loose', 'l1_d16', 'l1_d768', 'l1_d768_sparse'])(
    '%s',
    (name) => {
      const [count, size] = recorded.array(`${name}_x`).shape;
      const [x, y, d] = ['x', 'y', 'd'].map((part) => recorded.floats(`${name}_${part}`));
      for (let i = 0; i < count; i++) {
        const row = (values: Float32Array) => values.subarray(i * size, (i + 1) * size);
        const correction = new Float32Array(size);
        l1Correction(row(x), row(y), eps[`${name}_eps`], correction);
        expect(largest(correction.map((value, k) => Math.abs(value - row(d)[k])))).toBeLessThanOrEqual(
          size > 700 ? 1e-4 : 1e-5,
        );
      }
    },
  );

  test.each([
    ['L2', 'l2_out', 'l2_eps'],
    ['Linf', 'linf_out', 'linf_eps'],
  ] as const)('%s', (norm, output, radius) => {
    const [x, delta, expected] = [
      recorded.floats('l2_x'),
      recorded.floats('l2_delta'),
      recorded.floats(output),
    ];
    for (let i = 0; i < 6; i++) {
      const row = (values: Float32Array) => values.slice(i * 768, (i + 1) * 768);
      const point = row(x).map((value, k) => value + row(delta)[k]);
      createBall(norm, row(x), eps[radius]).project(point);
      expect(largest(point.map((value, k) => Math.abs(value - row(expected)[k])))).toBeLessThanOrEqual(1e-5);
    }
  });
});

describe('PGD from the clean image, step eps/4 (case 08)', () => {
  const recorded = golden('08_pgd_baseline');
  const runs = Object.keys(recorded.params.results);
  const tested = process.env.REVAT_PARITY ? runs : runs.filter((name) => name.endsWith('_10'));
  beforeAll(() => useTestBackend(process.env.REVAT_BACKEND ?? 'onnx'));

  const { images, labels } = goldenImages();
  const pixels = new Float32Array(images.length * 768);
  images.forEach((image, i) => pixels.set(image, i * 768));
  let batch: tf.Tensor4D;
  beforeAll(() => void (batch = tf.tensor4d(pixels, [images.length, 16, 16, 3])));
  afterAll(() => batch.dispose());

  test.each(tested)('%s', async (name) => {
    const [model, norm, radius, count] = name.split('_') as ['A1' | 'A2', NormName, string, string];
    const network = goldenNetwork(model);
    const eps = Number(radius);
    const attack = pgd({
      norm,
      eps,
      steps: Number(count),
      stepSize: eps / 4,
      randomStart: false,
      stopWhenBroken: false,
    });
    // The attack leaves out images that are wrong when clean; the recorded baseline attacks them, too.
    const { success, loss, adversarial, diagnostics } = await attack.run(network.classify, batch, labels);
    const clean = tf.tidy(() => Array.from(tf.argMax(network.classify(batch), 1).dataSync()));
    const right = labels.map((label, i) => clean[i] === label);
    const final = recorded.numbers(`${name}_fooled_final`);
    const crossEntropy = recorded.floats(`${name}_ce_final`);
    const differing = final.filter((fooled, i) => right[i] && fooled !== success[i]).length;
    expect(differing).toBeLessThanOrEqual(2);
    const mean = (values: ArrayLike<number>) =>
      Array.from(values).reduce((sum, value, i) => sum + (right[i] ? value : 0), 0);
    expect(Math.abs(mean(loss) - mean(crossEntropy))).toBeLessThanOrEqual(1e-3 * mean(crossEntropy));
    expect(diagnostics.backwardImages).toBe(right.filter(Boolean).length * Number(count));
    adversarial.dispose();
    network.dispose();
  });
});
