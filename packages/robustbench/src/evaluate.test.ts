import { readFile, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { beforeAll, describe, expect, test } from '@jest/globals';
import type { RevatError } from '@revat/core';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';

import { linearProblem } from '../test/linear-problem.js';
import { evidenceFiles, withTemporaryFolder } from '../test/temporary-folder.js';
import { readAdversarialExamples } from './adversarial-examples.js';
import { evaluate, type EvaluateOptions, type EvaluationResult } from './evaluate.js';
import type { ImagesInMemory } from './evaluation-data.js';
import type { EvaluateEvent } from './evaluation-options.js';
import { readJournal, type CommitRecord } from './journal.js';
import { perturbationNorm } from './perturbation-norm.js';
import { radiusCurves } from './radius-curves.js';
import { threatModel } from './threat-model.js';
import type { ThreatRecord } from './threat-task.js';

const THREAT = threatModel({ norm: 'Linf', eps: 0.03, protocol: 'apgd-ce' });
const JOURNAL = `linear/${THREAT.id}/journal.jsonl`;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

async function onLinear<T>(work: (options: EvaluateOptions) => Promise<T>, seed = 0): Promise<T> {
  const problem = linearProblem(30, seed);
  const { model, data } = problem;
  try {
    return await work({ model, data, threatModels: [THREAT], batchSize: 8 });
  } finally {
    problem.dispose();
  }
}

/** Everything but wall times, which no two runs share. */
function numbers({ models }: EvaluationResult) {
  return models.map((model) => ({
    ...model,
    threats: model.threats.map((threat) => ({ ...threat, seconds: 0 })),
  }));
}

describe('evaluate', () => {
  test('counts clean and robust images, and stores what it broke', async () => {
    await withTemporaryFolder((out) =>
      onLinear(async (options) => {
        const { models } = await evaluate({ ...options, out });
        const [{ clean, threats }] = models;
        expect(clean).toMatchObject({ correct: 26, total: 30 });
        const [{ robust, attacks, findings }] = threats;
        expect(robust.total).toBe(30);
        expect(robust.correct).toBeGreaterThan(0);
        expect(robust.correct).toBeLessThan(26);
        expect(attacks).toEqual([expect.objectContaining({ robust: robust.correct })]);
        expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);

        const { chunks } = await readJournal<ThreatRecord, CommitRecord & { adversarial: string | null }>(
          path.join(out, JOURNAL),
        );
        expect(chunks.map(({ samples }) => samples.length)).toEqual([8, 8, 8, 6]);
        const records = new Map(
          chunks.flatMap(({ samples }) => samples.map((record) => [record.sample, record])),
        );
        expect([...records.values()].filter((record) => record.robust)).toHaveLength(robust.correct);
        const images = await (options.data as ImagesInMemory).images.data<'float32'>();
        let broken = 0;
        for (const { commit } of chunks) {
          if (!commit.adversarial) continue;
          const examples = await readAdversarialExamples(
            path.join(out, path.dirname(JOURNAL), commit.adversarial),
          );
          examples.sampleIds.forEach((id, row) => {
            const record = records.get(id)!;
            const [clean, adversarial] = [
              images.subarray((id - 100) * 48, (id - 99) * 48),
              examples.images.subarray(row * 48, (row + 1) * 48),
            ];
            expect(record).toMatchObject({ robust: false, label: examples.labels[row] });
            expect(record.prediction).not.toBe(record.label);
            expect(perturbationNorm(clean, adversarial, 'Linf')).toBe(record.distance);
            expect(record.distance).toBeLessThanOrEqual(0.03 * (1 + 1e-6));
            broken++;
          });
        }
        expect(broken).toBe(26 - robust.correct);
      }),
    );
  });

  test('says which attack of AutoAttack broke an image', async () => {
    await withTemporaryFolder((out) =>
      onLinear(async (options) => {
        const threat = threatModel({ norm: 'Linf', eps: 0.02 });
        const { models } = await evaluate({ ...options, out, threatModels: [threat], samples: 16 });
        const [{ robust, attacks }] = models[0].threats;
        expect(attacks.map(({ name }) => name)).toEqual(['apgd-ce', 'apgd-t', 'fab-t', 'square']);
        const { chunks } = await readJournal<ThreatRecord, CommitRecord>(
          path.join(out, `linear/${threat.id}/journal.jsonl`),
        );
        const verdicts = chunks.flatMap(({ samples }) => samples.map(({ brokenBy }) => brokenBy));
        let left = verdicts.filter((verdict) => verdict !== 'clean').length;
        for (const { name, robust: count } of attacks)
          expect([name, count]).toEqual([
            name,
            (left -= verdicts.filter((verdict) => verdict === name).length),
          ]);
        expect(left).toBe(robust.correct);
      }),
    );
  });

  test('shows what the model doctor finds', async () => {
    await onLinear(async ({ model, ...options }) => {
      const probabilities = (images: tf.Tensor4D) => tf.tidy(() => tf.softmax(model!.classify(images)));
      const { models } = await evaluate({ ...options, model: { id: 'softmax', classify: probabilities } });
      expect(models[0].findings.map(({ code }) => code)).toContain('probabilities');
      expect(models[0].weights).toBeNull();
    });
  });

  test('gives the same numbers with and without a folder, and leaks no tensors', async () => {
    await withTemporaryFolder((out) =>
      onLinear(async (options) => {
        const before = tf.memory().numTensors;
        const inMemory = await evaluate(options);
        expect(tf.memory().numTensors).toBe(before);
        expect(numbers(await evaluate({ ...options, out }))).toEqual(numbers(inMemory));
        expect(tf.memory().numTensors).toBe(before);
      }),
    );
  });

  test('cut off anywhere, it resumes to the same bytes and the same result', async () => {
    await withTemporaryFolder((out) =>
      onLinear(async (options) => {
        const result = await evaluate({ ...options, out });
        const evidence = await evidenceFiles(out);
        const length = (await readFile(path.join(out, JOURNAL))).length;
        for (let step = 0; step < 12; step++) {
          await truncate(path.join(out, JOURNAL), Math.floor((length * step) / 12));
          const resumed = await evaluate({ ...options, out });
          expect(await evidenceFiles(out)).toEqual(evidence);
          expect(numbers(resumed)).toEqual(numbers(result));
        }
      }),
    );
  });

  test('reads a finished evaluation without attacking again', async () => {
    await withTemporaryFolder((out) =>
      onLinear(async (options) => {
        const result = await evaluate({ ...options, out });
        const events: EvaluateEvent[] = [];
        expect(await evaluate({ ...options, out, onEvent: (event) => events.push(event) })).toEqual(result);
        expect(events.filter(({ type }) => type === 'attack')).toEqual([]);
        expect(events.filter((event) => event.type === 'chunk').every(({ resumed }) => resumed)).toBe(true);
      }),
    );
  });

  test('stops at an abort between chunks and goes on from there', async () => {
    await withTemporaryFolder((out) =>
      onLinear(async (options) => {
        const uninterrupted = await evaluate(options);
        const controller = new AbortController();
        let finished = 0;
        const onEvent = (event: EvaluateEvent) => {
          if (event.type === 'chunk' && event.part.kind === 'threat' && ++finished === 2) controller.abort();
        };
        await expect(evaluate({ ...options, out, onEvent, signal: controller.signal })).rejects.toMatchObject(
          {
            code: 'aborted',
          },
        );
        const { chunks } = await readJournal(path.join(out, JOURNAL));
        expect(chunks).toHaveLength(2);
        expect(numbers(await evaluate({ ...options, out }))).toEqual(numbers(uninterrupted));
      }),
    );
  });

  test('reports progress that ends with all images', async () => {
    await onLinear(async (options) => {
      const events: EvaluateEvent[] = [];
      const { models } = await evaluate({ ...options, onEvent: (event) => events.push(event) });
      const parts = events.filter(({ type }) => type === 'end').map(({ part }) => part.kind);
      expect(parts).toEqual(['clean', 'threat']);
      const last = events.filter((event) => event.type === 'chunk').at(-1);
      expect(last).toMatchObject({ done: 30, total: 30, correct: models[0].threats[0].robust.correct });
      expect(events.some((event) => event.type === 'attack' && event.finished === event.attacked)).toBe(true);
    });
  });

  test('shards together are the whole', async () => {
    await withTemporaryFolder((out) =>
      onLinear(async (options) => {
        const whole = await evaluate(options);
        const shards: EvaluationResult[] = [];
        for (const rank of [0, 1, 2])
          shards.push(await evaluate({ ...options, out, shard: { rank, count: 3 } }));
        const sum = (field: 'correct' | 'total') =>
          shards.reduce((total, { models }) => total + models[0].threats[0].robust[field], 0);
        expect(sum('total')).toBe(30);
        expect(sum('correct')).toBe(whole.models[0].threats[0].robust.correct);
      }),
    );
  });

  test.each<[string, Partial<EvaluateOptions>, string]>([
    ['another seed', { seed: 1 }, 'seed: 0 there, 1 asked'],
    ['another batch size', { batchSize: 9 }, 'batchSize: 8 there, 9 asked'],
    ['other samples', { samples: 29 }, 'data.samples: 30 there, 29 asked'],
  ])('refuses to resume with %s', async (_, change, difference) => {
    await withTemporaryFolder((out) =>
      onLinear(async (options) => {
        await evaluate({ ...options, out });
        const evidence = await evidenceFiles(out);
        await expect(evaluate({ ...options, out, ...change })).rejects.toMatchObject({
          code: 'mismatch',
          message: expect.stringContaining(difference),
        });
        expect(await evidenceFiles(out)).toEqual(evidence);
      }),
    );
  });

  test('refuses to resume with other weights or other images', async () => {
    await withTemporaryFolder(async (out) => {
      await onLinear((options) => evaluate({ ...options, out }));
      await expect(onLinear((options) => evaluate({ ...options, out }), 1)).rejects.toMatchObject({
        code: 'mismatch',
        message: expect.stringContaining('model.weights'),
      });
      await onLinear(async ({ data, ...options }) => {
        const { images, ...rest } = data as ImagesInMemory;
        const darker: tf.Tensor4D = tf.mul(images, 0.5);
        await expect(evaluate({ ...options, data: { ...rest, images: darker }, out })).rejects.toMatchObject({
          code: 'mismatch',
          message: expect.stringContaining('other images'),
        });
        darker.dispose();
      });
    });
  });

  test('refuses a journal whose adversarial examples are gone', async () => {
    await withTemporaryFolder((out) =>
      onLinear(async (options) => {
        await evaluate({ ...options, out });
        const text = await readFile(path.join(out, JOURNAL), 'utf8');
        await writeFile(path.join(out, JOURNAL), text.replaceAll('adversarial-00000', 'adversarial-00077'));
        await expect(evaluate({ ...options, out })).rejects.toMatchObject({ code: 'not-found' });
      }),
    );
  });

  test.each<[string, Partial<EvaluateOptions>, RevatError['code']]>([
    ['no model', { model: undefined }, 'invalid-argument'],
    ['no images', { samples: 0 }, 'invalid-argument'],
    ['more images than there are', { samples: 31 }, 'invalid-argument'],
    ['an image twice', { samples: [1, 1] }, 'invalid-argument'],
    ['a batch size of 0', { batchSize: 0 }, 'invalid-argument'],
    ['a negative seed', { seed: -1 }, 'invalid-argument'],
    ['a shard that does not exist', { shard: { rank: 3, count: 3 } }, 'invalid-argument'],
    ['a threat model twice', { threatModels: [THREAT, THREAT] }, 'invalid-argument'],
    ['an unusable output folder', { out: '/dev/null/run' }, 'io'],
  ])('refuses %s', async (_, change, code) => {
    await onLinear(async (options) => {
      const before = tf.memory().numTensors;
      await expect(evaluate({ ...options, ...change })).rejects.toMatchObject({ name: 'RevatError', code });
      expect(tf.memory().numTensors).toBe(before);
    });
  });

  test('refuses ids that cannot name a folder, and equal ones', async () => {
    await onLinear(async ({ model, ...options }) => {
      for (const id of ['../up', '', 'a b', 'x'.repeat(101)])
        await expect(evaluate({ ...options, models: [{ ...model!, id }] })).rejects.toThrow(
          /cannot name a folder/,
        );
      await expect(evaluate({ ...options, models: [model!, { ...model!, id: 'LINEAR' }] })).rejects.toThrow(
        /two models are called/,
      );
    });
  });

  test('refuses labels and images that do not match', async () => {
    await onLinear(async ({ data, ...options }) => {
      await expect(
        evaluate({ ...options, data: { ...(data as ImagesInMemory), labels: [1, 2] } }),
      ).rejects.toMatchObject({
        code: 'mismatch',
      });
    });
  });
});

describe('radiusCurves', () => {
  test('falls from the clean accuracy and is not above a single attack at that radius', async () => {
    await onLinear(async (options) => {
      const { models } = await evaluate(options);
      const [curve] = await radiusCurves({ ...options, radii: { Linf: [0.01, 0.03, 0.1] } });
      const robust = curve.points.map((point) => point.robust);
      expect(curve.points.map(({ eps }) => eps)).toEqual([0, 0.01, 0.03, 0.1]);
      expect(robust[0]).toBe(models[0].clean.correct);
      expect([...robust].sort((a, b) => b - a)).toEqual(robust);
      expect(robust[2]).toBeLessThanOrEqual(models[0].threats[0].robust.correct);
      expect(robust[3]).toBe(0);
    });
  });

  test.each([[[]], [[0]], [[0.2, 0.1]], [[0.1, NaN]]])('refuses radii %p', async (radii) => {
    await onLinear(async (options) => {
      await expect(radiusCurves({ ...options, radii: { L2: radii } })).rejects.toMatchObject({
        code: 'invalid-argument',
      });
    });
  });
});
