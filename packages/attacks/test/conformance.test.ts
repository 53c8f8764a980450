/**
 * What every attack of the registry must keep to, in every norm, whatever model and batch it is given. The models are small
 * and random; steps are few: that an attack succeeds is shown elsewhere.
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createBall, isRevatError, predictedClass, randomStream, type Classifier } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';

import type { Attack, AttackResult, AttackRunOptions } from '../src/attack.js';
import { attackNames, attackDefinition, createAttack } from '../src/registry.js';
import { useTestBackend } from './backends.js';

type Shape = [number, number, number];
interface Problem {
  readonly shape: Shape;
  readonly images: Float32Array[];
  readonly labels: number[];
  readonly classify: Classifier;
}

/** Radii at which some images break and some do not. */
const EPS = { Linf: 0.03, L2: 0.2, L1: 0.7 };

/** Options that make a run short; each attack takes those that it knows. */
const SHORT = {
  steps: 5,
  queries: 12,
  targets: 3,
  version: 'custom',
  attacks: [
    { name: 'apgd-ce', options: { steps: 3 } },
    { name: 'apgd-t', options: { steps: 3, targets: 2 } },
    { name: 'fab-t', options: { steps: 3, targets: 2 } },
    { name: 'square', options: { queries: 5 } },
  ],
};

const cases = attackNames().flatMap((name) =>
  attackDefinition(name).norms.map((norm): [string, Attack] => {
    const { schema } = attackDefinition(name);
    const short = Object.fromEntries(Object.entries(SHORT).filter(([key]) => key in schema));
    return [`${name} ${norm}`, createAttack(name, { norm, eps: EPS[norm], ...short })];
  }),
);

/** A random network, hidden layer of 8, over images of which some pixels are black or white; labels mostly its own. */
function problem(classes: number, shape: Shape, count: number, seed = 0): Problem {
  const size = shape[0] * shape[1] * shape[2];
  const images = Array.from({ length: count }, (_, i) =>
    randomStream(seed, 'image', i)
      .uniforms(size)
      .map((uniform) => Math.min(Math.max(1.4 * uniform - 0.2, 0), 1)),
  );
  const hidden = randomStream(seed, 'hidden')
    .normals(size * 8)
    .map((w) => w / Math.sqrt(size));
  const output = randomStream(seed, 'output').normals(8 * classes);
  const classify: Classifier = (batch) =>
    tf.tidy(() => {
      const flat = tf.reshape(batch, [batch.shape[0], size]); // [B,H,W,C] -> [B,HWC]
      const features = tf.sin(tf.mul(tf.matMul(flat, tf.tensor2d(hidden, [size, 8])), 3));
      return tf.matMul<tf.Tensor2D>(features, tf.tensor2d(output, [8, classes]));
    });
  const labels = images.map((image) => predictOne(classify, image, shape));
  // One image that the model gets wrong before any attack.
  if (count > 2) labels[2] = (labels[2] + 1) % classes;
  return { shape, images, labels, classify };
}

function predictOne(classify: Classifier, image: Float32Array, shape: Shape): number {
  return tf.tidy(() => predictedClass(classify(tf.tensor4d(image, [1, ...shape])).dataSync()));
}

function stacked(images: readonly Float32Array[], shape: Shape): tf.Tensor4D {
  return tf.tidy(() => tf.stack(images.map((image) => tf.tensor3d(image, shape))) as tf.Tensor4D);
}

interface Outcome {
  readonly pixels: Float32Array;
  readonly success: number[];
  readonly diagnostics: AttackResult['diagnostics'];
}

async function run(
  attack: Attack,
  { images, labels, shape, classify }: Problem,
  options?: AttackRunOptions,
): Promise<Outcome> {
  const batch = stacked(images, shape);
  try {
    const { adversarial, success, diagnostics } = await attack.run(classify, batch, labels, options);
    const pixels = Float32Array.from(await adversarial.data());
    adversarial.dispose();
    return { pixels, success: [...success], diagnostics };
  } finally {
    batch.dispose();
  }
}

function expectSound(
  attack: Attack,
  { images, labels, shape, classify }: Problem,
  { pixels, success }: Outcome,
): void {
  const size = images[0].length;
  images.forEach((image, i) => {
    const point = pixels.slice(i * size, (i + 1) * size);
    expect(createBall(attack.norm, image, EPS[attack.norm]).contains(point)).toBe(true);
    expect(success[i]).toBe(Number(predictOne(classify, point, shape) !== labels[i]));
  });
}

beforeAll(() => useTestBackend(process.env.REVAT_BACKEND ?? 'cpu'));

describe.each(cases)('%s', (_name, attack) => {
  const usual = problem(4, [5, 6, 3], 5);

  test('stays in ball and box; the flags are the verdicts on the returned images', async () => {
    expectSound(attack, usual, await run(attack, usual));
  });

  test('leaves what it was given alone, and no tensor behind', async () => {
    const before = tf.memory().numTensors;
    const batch = stacked(usual.images, usual.shape);
    const labels = tf.tensor1d(usual.labels, 'int32');
    const { adversarial } = await attack.run(usual.classify, batch, labels);
    expect([...batch.dataSync()]).toEqual(usual.images.flatMap((image) => [...image]));
    expect([...labels.dataSync()]).toEqual(usual.labels);
    tf.dispose([batch, labels, adversarial]);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('same seed, same bytes', async () => {
    const first = await run(attack, usual, { seed: 3 });
    const again = await run(attack, usual, { seed: 3 });
    expect(again.pixels).toEqual(first.pixels);
    expect(again.success).toEqual(first.success);
    expect(again.diagnostics.forwardImages).toBe(first.diagnostics.forwardImages);
  });

  test('a sample does not depend on its batch', async () => {
    const together = await run(attack, usual, { sampleIds: [10, 11, 12, 13, 14] });
    const size = usual.images[0].length;
    for (const i of [4, 0, 2]) {
      const single = { ...usual, images: [usual.images[i]], labels: [usual.labels[i]] };
      const alone = await run(attack, single, { sampleIds: [10 + i] });
      expect(alone.pixels).toEqual(together.pixels.slice(i * size, (i + 1) * size));
      expect(alone.success).toEqual([together.success[i]]);
    }
    const narrow = await run(attack, usual, { sampleIds: [10, 11, 12, 13, 14], batchSize: 2 });
    expect(narrow.pixels).toEqual(together.pixels);
  });

  test('leaves an image alone that is misclassified already', async () => {
    const { pixels, success } = await run(attack, usual);
    expect(success[2]).toBe(1);
    expect(pixels.slice(2 * 90, 3 * 90)).toEqual(usual.images[2]);
  });

  test.each([2, 3, 4, 10])('%i classes', async (classes) => {
    const other = problem(classes, [4, 4, 1], 3);
    expectSound(attack, other, await run(attack, other));
  });

  test.each<[Shape]>([[[1, 1, 1]], [[1, 1, 3]], [[2, 9, 3]], [[9, 2, 1]], [[32, 32, 3]]])(
    'images of %p, batch of one',
    async (shape) => {
      const other = problem(4, shape, 1);
      expectSound(attack, other, await run(attack, other));
    },
  );

  test('ends when aborted, before or in the middle, and leaves no tensor behind', async () => {
    const before = tf.memory().numTensors;
    const controller = new AbortController();
    const abortLater = { signal: controller.signal, onProgress: () => controller.abort() };
    for (const options of [{ signal: AbortSignal.abort() }, abortLater]) {
      const error: unknown = await run(attack, usual, options).catch((reason: unknown) => reason);
      expect(isRevatError(error) && error.code).toBe('aborted');
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  test('a model that ignores its input', async () => {
    const constant: Classifier = (batch) =>
      tf.tidy(() => tf.tile<tf.Tensor2D>(tf.tensor2d([[1, 3, 2, 0]]), [batch.shape[0], 1]));
    const flat: Classifier = (batch) =>
      tf.tidy(() => tf.add(constant(batch), tf.expandDims(tf.mul(tf.sum(batch, [1, 2, 3]), 0), 1)));
    for (const classify of [constant, flat]) {
      const { success } = await run(attack, { ...usual, classify, labels: [1, 1, 1, 1, 0] });
      expect(success).toEqual([0, 0, 0, 0, 1]);
    }
  });

  test('a model that returns NaN: told, not hung', async () => {
    const broken: Classifier = (batch) => tf.tidy(() => tf.fill<tf.Rank.R2>([batch.shape[0], 4], NaN));
    const always = await run(attack, { ...usual, classify: broken });
    expect(always.success).toEqual([1, 1, 1, 1, 1]);
    expect(always.diagnostics.findings.map(({ code }) => code)).toContain('non-finite-logits');
  });

  test('a model whose gradient is NaN: told, not hung', async () => {
    // The root of 0 has an infinite slope, and 0 times infinity is no number.
    const rooted: Classifier = (batch) =>
      tf.tidy(() => {
        const zero = tf.mul(tf.sum(batch, [1, 2, 3]), 0);
        return tf.add<tf.Tensor2D>(usual.classify(batch), tf.expandDims(tf.sqrt(zero), 1));
      });
    const outcome = await run(attack, { ...usual, classify: rooted });
    expectSound(attack, { ...usual, classify: rooted }, outcome);
    const codes = outcome.diagnostics.findings.map(({ code }) => code);
    if (outcome.diagnostics.backwardImages > 0) expect(codes).toContain('non-finite-gradients');
  });

  test('options and diagnostics survive JSON', async () => {
    const again = createAttack(attack.name, JSON.parse(JSON.stringify(attack.options)) as Attack['options']);
    expect(again.options).toEqual(attack.options);
    expect(Object.isFrozen(attack.options)).toBe(true);
    const { diagnostics } = await run(attack, usual);
    expect(JSON.parse(JSON.stringify(diagnostics))).toEqual(diagnostics);
  });
});
