/** Where APGD starts and the radii it comes from; its numbers are compared with the reference's in test/golden-apgd.test.ts. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createBall, NORM_NAMES, perturbationNorm } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';

import { useTestBackend } from '../test/backends.js';
import { apgd, type ApgdOptions } from './apgd.js';

const SHAPE: [number, number, number] = [4, 4, 3];
const SIZE = 48;
/** Grey levels from 0 to 1, so that some pixels are near an end of the box. */
const image = Float32Array.from({ length: SIZE }, (_, i) => i / (SIZE - 1));

beforeAll(() => useTestBackend('cpu'));

/** The images visited, in order, on a linear model that no point of the ball deceives. */
async function visited(options: Pick<ApgdOptions, 'norm' | 'eps'> & Partial<ApgdOptions>) {
  const weights = tf.randomNormal<tf.Rank.R2>([SIZE, 4], 0, 1, 'float32', 1);
  const classify = (images: tf.Tensor4D) =>
    tf.tidy(() => {
      const scores = tf.matMul(tf.reshape(images, [images.shape[0], SIZE]), weights);
      return tf.add<tf.Tensor2D>(scores, [1000, 0, 0, 0]);
    });
  const batch = tf.tensor4d(image, [1, ...SHAPE]);
  const images: Float32Array[] = [];
  const { adversarial, success } = await apgd({ loss: 'margin', ...options }).run(classify, batch, [0], {
    onStep: (step) => images.push(step.image.slice()),
  });
  expect([...success]).toEqual([0]);
  const returned = Float32Array.from(await adversarial.data());
  tf.dispose([batch, adversarial, weights]);
  return { images, returned };
}

describe.each(NORM_NAMES)('larger radii in %s', (norm) => {
  const eps = { Linf: 0.05, L2: 0.3, L1: 0.8 }[norm];

  test('bound 30, 30 and 40 % of the steps; the returned image is in the ball', async () => {
    const { images, returned } = await visited({ norm, eps, steps: 10, largerRadii: true, firstRadius: 4 });
    const radii = [4, 4, 4, 4, 2.5, 2.5, 2.5, 2.5, 1, 1, 1, 1, 1]; // a run visits its start besides its steps
    expect(images.length).toBe(radii.length);
    images.forEach((point, i) => expect(createBall(norm, image, radii[i] * eps).contains(point)).toBe(true));
    expect(perturbationNorm(norm, image, images[3])).toBeGreaterThan(2.5 * eps);
    expect(createBall(norm, image, eps).contains(returned)).toBe(true);
  });
});

describe('starts', () => {
  test('corners: every pixel at one end of its interval', async () => {
    const eps = 0.1;
    const [start] = (await visited({ norm: 'Linf', eps, steps: 1, start: 'corners' })).images;
    let up = 0;
    start.forEach((value, i) => {
      const ends = [Math.max(image[i] - eps, 0), Math.min(image[i] + eps, 1)];
      expect(Math.min(...ends.map((end) => Math.abs(value - end)))).toBeLessThan(1e-6);
      if (value > image[i]) up++;
    });
    expect(up).toBeGreaterThan(SIZE / 4);
    expect(up).toBeLessThan((3 * SIZE) / 4);
  });

  test('corners are those of Linf alone', async () => {
    const options = { norm: 'L2' as const, eps: 0.3, steps: 1 };
    const [corner, noise] = [await visited({ ...options, start: 'corners' }), await visited(options)];
    expect(corner.images).toEqual(noise.images);
  });
});
