/** The built package with worker threads: same batches as without, killed and resumed. */
import { createHash } from 'node:crypto';
import { mkdirSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';
import {
  createLoader,
  digits,
  imageFolder,
  tarShards,
  type Batch,
  type ImageDataset,
  type LoaderOptions,
} from '@revat/data';

import { fixture, temporaryFolder } from './fixture-paths.js';

async function hashes(batches: AsyncIterable<Batch>, count = Infinity): Promise<string[]> {
  const list: string[] = [];
  for await (const { images, labels, sampleIds, targets } of batches) {
    const hash = createHash('sha256');
    for (const array of [images, labels, sampleIds, targets ?? new Float32Array(0)]) hash.update(array);
    list.push(hash.digest('hex'));
    if (list.length === count) break;
  }
  return list;
}

async function* asyncList(...batches: Batch[]): AsyncGenerator<Batch> {
  yield* batches;
}

async function run(dataset: ImageDataset, options: LoaderOptions, count?: number) {
  const loader = createLoader(dataset, options);
  try {
    return { hashes: await hashes(loader, count), position: loader.position, bad: loader.badSamples };
  } finally {
    await loader.close();
  }
}

const OPTIONS: LoaderOptions = { batchSize: 4, imageSize: 32, augmentation: 'heavy', shuffle: true, seed: 5 };

describe.each<[string, ImageDataset]>([
  ['folder', imageFolder(fixture('folder'))],
  ['shards', tarShards(fixture('shards'))],
  ['memory', digits({ split: 'test' })],
  ['memory that changes', { ...digits({ split: 'test' }), immutable: false }],
])('%s', (_, dataset) => {
  test('0, 1, 2 and 7 workers: identical batches', async () => {
    const { hashes: expected } = await run(dataset, OPTIONS);
    for (const workers of [1, 2, 7])
      expect((await run(dataset, { ...OPTIONS, workers })).hashes).toEqual(expected);
  });

  test('recycled memory: the same batches', async () => {
    const { hashes: expected } = await run(dataset, { ...OPTIONS, prefetch: 1 });
    for (const workers of [0, 1, 2]) {
      const loader = createLoader(dataset, { ...OPTIONS, workers, prefetch: 1 });
      const found: string[] = [];
      for await (const batch of loader) {
        found.push(...(await hashes(asyncList(batch))));
        loader.recycle(batch);
      }
      await loader.close();
      expect(found).toEqual(expected);
    }
  });

  test('memory is used again, and of a batch that is recycled twice only once', async () => {
    for (const workers of [0, 2]) {
      const loader = createLoader(dataset, { ...OPTIONS, batchSize: 2, workers, prefetch: 1 });
      const batches = loader.epoch(0);
      const next = async () => (await batches.next()).value as Batch;
      const first = await next();
      loader.recycle(first);
      loader.recycle(first);
      const held = [await next(), await next(), await next()].map(({ images }) => images.buffer);
      expect(new Set(held).size).toBe(3);
      expect(held).toContain(first.images.buffer);
      await loader.close();
    }
  });

  test('stopped in mid-epoch and resumed: identical remaining batches', async () => {
    const { hashes: expected } = await run(dataset, OPTIONS);
    const { position } = await run(dataset, { ...OPTIONS, workers: 2 }, 2);
    const { hashes: rest } = await run(dataset, { ...OPTIONS, workers: 1, position });
    expect(rest).toEqual(expected.slice(2));
  });
});

describe('bad files', () => {
  const root = temporaryFolder();
  mkdirSync(join(root, 'a'));
  for (const name of [
    'alpha.png',
    'truncated.JPEG',
    'cmyk.JPEG',
    'gray.JPEG',
    'text.JPEG',
    'progressive.JPEG',
  ])
    copyFileSync(fixture('bad', name), join(root, 'a', name));
  const options: LoaderOptions = {
    batchSize: 2,
    imageSize: 16,
    augmentation: 'evaluation',
    maxBadShare: 0.5,
  };

  test('are reported from worker threads as from this one', async () => {
    const inline = await run(imageFolder(root), options);
    expect(inline.bad.map(({ reason }) => reason.slice(root.length + 3))).toEqual([
      'text.JPEG: cannot be decoded: it is no JPEG, PNG, GIF, WebP or TIFF image.',
      'truncated.JPEG: cannot be decoded: premature end of JPEG image.',
    ]);
    expect(await run(imageFolder(root), { ...options, workers: 2 })).toEqual(inline);
  });

  test('a file that vanished after indexing is one of them', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'a'));
    writeFileSync(join(folder, 'a', 'gone.jpg'), '');
    const dataset = imageFolder(folder);
    await expect(run(dataset, { ...options, batchSize: 1, maxBadShare: 0, workers: 1 })).rejects.toThrow(
      'the file is empty',
    );
  });
});

test('threads prepare batches while this one is blocked, also those of the next epoch', async () => {
  const loader = createLoader(digits({ split: 'test' }), { ...OPTIONS, batchSize: 250, workers: 2 });
  const batchAfterBlock = async (batches: AsyncGenerator<Batch>) => {
    // As an engine that computes does.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
    let turns = 0;
    setImmediate(() => turns++);
    const { value } = (await batches.next()) as IteratorResult<Batch, undefined>;
    return { images: value?.labels.length, turns };
  };
  const first = loader.epoch(0);
  await first.next();
  expect(await batchAfterBlock(first)).toEqual({ images: 250, turns: 0 });
  await first.next();
  expect(loader.position).toEqual({ epoch: 1, offset: 0 });
  expect(await batchAfterBlock(loader.epoch(1))).toEqual({ images: 250, turns: 0 });
  await loader.close();
});

test('close while batches are being prepared rejects them and ends the threads', async () => {
  const loader = createLoader(digits(), {
    batchSize: 64,
    imageSize: 128,
    augmentation: 'heavy',
    shuffle: true,
    workers: 1,
  });
  const batches = loader.epoch();
  const refused = expect(batches.next()).rejects.toMatchObject({ code: 'aborted' });
  await loader.close();
  await refused;
});
