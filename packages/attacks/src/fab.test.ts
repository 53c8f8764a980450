import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { NORM_NAMES, perturbationNorm } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';

import { backendsUnderTest, useTestBackend } from '../test/backends.js';
import { golden, nhwc } from '../test/golden.js';
import { goldenImages, goldenNetwork, type GoldenNetwork } from '../test/golden-network.js';
import type { StepEvent } from './attack.js';
import { fabTargeted } from './fab.js';

const recorded = golden('05_fab_t');
/** The whole case takes minutes: `npm run test:parity` compares it, this file by itself 8 of 48 points and 3 of 9 targets. */
const [POINTS, TARGETS] = process.env.REVAT_PARITY ? [48, 9] : [8, 3];
const { images, labels } = goldenImages(recorded.numbers('idx').slice(0, POINTS));

/** The recorded success flags are for these radii. */
const RADII = { Linf: ['0.15', '0.2'], L2: ['1.5', '2.25'], L1: ['12.0', '20.0'] };

function batchOf(count: number): tf.Tensor4D {
  return tf.stack(images.slice(0, count).map((image) => tf.tensor3d(image, [16, 16, 3]))) as tf.Tensor4D;
}

describe.each(backendsUnderTest().flatMap((backend) => NORM_NAMES.map((norm) => ({ backend, norm }))))(
  'fab-t $norm equals the reference on $backend',
  ({ backend, norm }) => {
    let network: GoldenNetwork;
    beforeAll(async () => {
      await useTestBackend(backend);
      network = goldenNetwork('A2');
    });
    afterAll(() => network.dispose());

    test('the first ten iterates', async () => {
      const iterates = new Map<string, Float32Array>();
      const keep = ({ index, step, image }: StepEvent) =>
        iterates.set(`${step} ${index}`, Float32Array.from(image));
      const batch = batchOf(6);
      const result = await fabTargeted({ norm, eps: 1e3, steps: 10, targets: 1, minimize: true }).run(
        network.classify,
        batch,
        labels.slice(0, 6),
        { onStep: keep },
      );
      tf.dispose([batch, result.adversarial]);
      const { shape } = recorded.array(`${norm}_iterates_rank2`);
      const expected = nhwc(recorded.floats(`${norm}_iterates_rank2`), [30, ...shape.slice(2)]);
      [1, 2, 3, 5, 10].forEach((step, i) => {
        for (let index = 0; index < 6; index++) {
          const own = iterates.get(`${step} ${index}`)!;
          const reference = expected.subarray((i * 6 + index) * own.length, (i * 6 + index + 1) * own.length);
          expect(perturbationNorm('Linf', reference, own)).toBeLessThan(1e-4);
        }
      });
    });

    // tfjs's cpu backend would take ten minutes for it.
    const unlessSlow = backend === 'cpu' ? test.skip : test;
    unlessSlow('the smallest perturbations towards each target', async () => {
      const least = images.map(() => new Map<number, number>());
      const measure = ({ index, target, correct, image }: StepEvent) => {
        const length = correct ? 1e10 : perturbationNorm(norm, images[index], image);
        least[index].set(target!, Math.min(length, least[index].get(target!) ?? 1e10));
      };
      const batch = batchOf(POINTS);
      const { adversarial, success } = await fabTargeted({
        norm,
        eps: 1e3,
        targets: TARGETS,
        minimize: true,
      }).run(network.classify, batch, labels, { onStep: measure });
      const pixels = await adversarial.data<'float32'>();
      tf.dispose([batch, adversarial]);
      expect(success.every((flag) => flag === 1)).toBe(true);

      const perTarget = recorded.numbers(`${norm}_norm_per_target`);
      const off = least.flatMap((byTarget, i) =>
        [...byTarget.values()].map((length, rank) => Math.abs(length / perTarget[i * 9 + rank] - 1)),
      );
      expect(off.length).toBe(POINTS * TARGETS);
      expect(off.filter((difference) => difference < 1e-3).length).toBeGreaterThanOrEqual(0.9 * off.length);

      const best = images.map((_, i) => Math.min(...perTarget.slice(i * 9, i * 9 + TARGETS)));
      const lengths = images.map((image, i) =>
        perturbationNorm(norm, image, pixels.subarray(i * 768, (i + 1) * 768)),
      );
      const offBest = lengths.map((length, i) => Math.abs(length / best[i] - 1));
      expect(offBest.filter((difference) => difference < 1e-3).length).toBeGreaterThanOrEqual(0.9 * POINTS);
      expect(Math.max(...offBest)).toBeLessThan(0.02);

      for (const eps of TARGETS === 9 ? RADII[norm] : []) {
        const flags = recorded.numbers(`${norm}_success_eps_${eps}`);
        lengths.forEach((length, i) => {
          if (Math.abs(best[i] / Number(eps) - 1) > 1e-3) expect(length <= Number(eps)).toBe(flags[i] === 1);
        });
      }
    });
  },
);
