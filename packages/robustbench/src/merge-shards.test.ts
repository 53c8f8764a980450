import { rm, truncate } from 'node:fs/promises';
import path from 'node:path';

import { beforeAll, describe, expect, test } from '@jest/globals';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';

import { linearProblem } from '../test/linear-problem.js';
import { evidenceFiles, withTemporaryFolder } from '../test/temporary-folder.js';
import { evaluate, type EvaluateOptions } from './evaluate.js';
import { mergeShards } from './merge-shards.js';
import { threatModel } from './threat-model.js';

const THREAT = threatModel({ norm: 'Linf', eps: 0.03, protocol: 'apgd-ce' });
const SHARDS = 3;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Evaluates in shards, the last one first. */
async function withShards(work: (folder: string, options: EvaluateOptions) => Promise<void>): Promise<void> {
  const problem = linearProblem();
  const options = { model: problem.model, data: problem.data, threatModels: [THREAT], batchSize: 4 };
  await withTemporaryFolder(async (folder) => {
    const out = path.join(folder, 'shards');
    for (let rank = SHARDS - 1; rank >= 0; rank--)
      await evaluate({ ...options, out, shard: { rank, count: SHARDS } });
    await work(folder, { ...options, out });
  });
  problem.dispose();
}

describe('mergeShards', () => {
  test('gives the bytes of one run, and its result without attacking again', async () => {
    await withShards(async (folder, options) => {
      const whole = path.join(folder, 'whole');
      const { models } = await evaluate({ ...options, out: whole });
      const merged = await mergeShards(options.out!);
      expect(merged.map(({ shards, chunks, samples }) => [shards, chunks, samples])).toEqual([
        [3, 8, 30],
        [3, 8, 30],
      ]);
      const evidence = Object.entries(await evidenceFiles(options.out!));
      expect(Object.fromEntries(evidence.filter(([file]) => !file.includes('-of-')))).toEqual(
        await evidenceFiles(whole),
      );

      const attacks: string[] = [];
      const read = await evaluate({
        ...options,
        onEvent: ({ type }) => type === 'attack' && attacks.push(type),
      });
      expect(attacks).toEqual([]);
      expect(read.models[0].threats[0]).toEqual({ ...models[0].threats[0], seconds: expect.any(Number) });
      expect(read.models[0].threats[0].seconds).toBeGreaterThan(0);

      await mergeShards(options.out!);
      expect(Object.entries(await evidenceFiles(options.out!))).toEqual(evidence);
    });
  });

  test('refuses shards that are missing or unfinished', async () => {
    await withShards(async (_, { out }) => {
      const journal = path.join(out!, `linear/${THREAT.id}/journal-1-of-3.jsonl`);
      await truncate(journal, 900);
      await expect(mergeShards(out!)).rejects.toMatchObject({ code: 'mismatch' });
      await rm(journal);
      await expect(mergeShards(out!)).rejects.toMatchObject({ code: 'not-found' });
    });
  });

  test('refuses shards of another recipe or of another number of shards', async () => {
    await withShards(async (_, options) => {
      const lastShard = `linear/clean/journal-2-of-3.jsonl`;
      await rm(path.join(options.out!, lastShard));
      await evaluate({ ...options, seed: 1, threatModels: [], shard: { rank: 2, count: 3 } });
      await expect(mergeShards(options.out!)).rejects.toMatchObject({
        code: 'mismatch',
        message: expect.stringContaining('shard 2'),
      });
      await evaluate({ ...options, threatModels: [], shard: { rank: 0, count: 2 } });
      await expect(mergeShards(options.out!)).rejects.toMatchObject({
        code: 'mismatch',
        message: expect.stringContaining('shards of'),
      });
    });
  });

  test('refuses folders without shards', async () => {
    await withTemporaryFolder(async (folder) => {
      await expect(mergeShards(folder)).rejects.toMatchObject({ code: 'not-found' });
      await expect(mergeShards(path.join(folder, 'none'))).rejects.toMatchObject({ code: 'not-found' });
    });
  });
});
