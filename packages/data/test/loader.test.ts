import { createHash } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';
import { RevatError } from '@revat/core';
import fc from 'fast-check';

import type { Batch } from '../src/batch.js';
import { digits } from '../src/digits.js';
import type { ImageDataset, ImageSample } from '../src/image-dataset.js';
import type { LoaderOptions } from '../src/loader-options.js';
import { createLoader } from '../src/loader.js';
import { streamDataset } from '../src/stream-dataset.js';

function hashOf({ images, labels, sampleIds, targets }: Batch): string {
  const hash = createHash('sha256');
  for (const array of [images, labels, sampleIds, targets ?? new Float32Array(0)]) hash.update(array);
  return hash.digest('hex');
}

async function collect(batches: AsyncIterable<Batch>, count = Infinity): Promise<Batch[]> {
  const list: Batch[] = [];
  for await (const batch of batches) {
    list.push(batch);
    if (list.length === count) break;
  }
  return list;
}

/** A data set of one-colour images in memory; `bad` ones cannot be read. */
function painted(length: number, bad: readonly number[] = []): ImageDataset {
  return {
    name: 'painted',
    length,
    classNames: ['even', 'odd'],
    sample(index): ImageSample {
      if (bad.includes(index))
        throw new RevatError('invalid-file', `painted/${index}.png: cannot be decoded: torn.`);
      const pixels = new Uint8Array(4 * 4 * 3).fill(index & 255);
      return { pixels, width: 4, height: 4, label: index % 2, id: 1000 + index };
    },
  };
}

const OPTIONS: LoaderOptions = { batchSize: 4, imageSize: 4 };

describe('batches', () => {
  test('in order, the last one smaller', async () => {
    const batches = await collect(createLoader(painted(10), OPTIONS));
    expect(batches.map(({ shape }) => shape)).toEqual([[4, 4, 4, 3], [4, 4, 4, 3], [2, 4, 4, 3]]); // prettier-ignore
    expect(batches.flatMap(({ sampleIds }) => [...sampleIds])).toEqual(
      Array.from({ length: 10 }, (_, i) => 1000 + i),
    );
    expect([...batches[0].labels]).toEqual([0, 1, 0, 1]);
    expect(batches[2].images[0]).toBe(Math.fround(8 / 255));
    expect(batches[0].targets).toBeUndefined();
  });

  test('soft targets when the augmentation mixes', async () => {
    const loader = createLoader(digits(), {
      batchSize: 32,
      imageSize: 32,
      augmentation: 'heavy',
      shuffle: true,
    });
    const [{ targets, images }] = await collect(loader, 1);
    expect(targets).toHaveLength(320);
    for (let row = 0; row < 32; row++)
      expect(targets!.subarray(row * 10, row * 10 + 10).reduce((sum, value) => sum + value)).toBeCloseTo(
        1,
        5,
      );
    expect(images.every(Number.isFinite)).toBe(true);
  });

  test('every epoch has another order and another augmentation; the same seed the same', async () => {
    const run = async (seed: number) => {
      const loader = createLoader(digits(), {
        batchSize: 64,
        imageSize: 16,
        augmentation: 'digits',
        shuffle: true,
        seed,
      });
      const epochs = [await collect(loader), await collect(loader)];
      expect(loader.position).toEqual({ epoch: 2, offset: 0 });
      return epochs.map((epoch) => epoch.map(hashOf).join());
    };
    const [first, second] = await run(1);
    expect(first).not.toBe(second);
    expect(await run(1)).toEqual([first, second]);
    expect((await run(2))[0]).not.toBe(first);
  });
});

describe('shards', () => {
  test('ranks are disjoint and together complete, shuffled or not', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 7, max: 60 }),
        fc.integer({ min: 1, max: 7 }),
        fc.boolean(),
        async (length, count, shuffle) => {
          const ids = new Set<number>();
          let total = 0;
          for (let rank = 0; rank < count; rank++) {
            const loader = createLoader(painted(length), {
              ...OPTIONS,
              shuffle,
              dropLast: false,
              shard: { rank, count },
            });
            for (const { sampleIds } of await collect(loader)) {
              total += sampleIds.length;
              sampleIds.forEach((id) => ids.add(id));
            }
          }
          expect([total, ids.size]).toEqual([length, length]);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('resuming', () => {
  test('from any position the remaining batches are the same', async () => {
    const options: LoaderOptions = {
      batchSize: 8,
      imageSize: 8,
      augmentation: 'heavy',
      shuffle: true,
      seed: 3,
    };
    const all = (await collect(createLoader(painted(64), options))).map(hashOf);
    for (let done = 0; done < 8; done++) {
      const interrupted = createLoader(painted(64), options);
      await collect(interrupted, done);
      const position = JSON.parse(
        JSON.stringify(done === 0 ? { epoch: 0, offset: 0 } : interrupted.position),
      ) as {
        epoch: number;
        offset: number;
      };
      const rest = await collect(createLoader(painted(64), { ...options, position }));
      expect(rest.map(hashOf)).toEqual(all.slice(done));
    }
  });
});

describe('unreadable samples', () => {
  test('evaluation: left out, listed once, called back', async () => {
    const seen: string[] = [];
    const loader = createLoader(painted(10, [1, 9]), {
      ...OPTIONS,
      maxBadShare: 0.2,
      onBadSample: ({ reason }) => seen.push(reason),
    });
    const batches = await collect(loader);
    expect(batches.map(({ labels }) => labels.length)).toEqual([3, 4, 1]);
    expect([...batches[0].sampleIds]).toEqual([1000, 1002, 1003]);
    expect(batches[0].images[16 * 3]).toBe(Math.fround(2 / 255));
    await collect(loader);
    expect(loader.badSamples).toEqual([
      { index: 1, id: 1, reason: 'painted/1.png: cannot be decoded: torn.' },
      { index: 9, id: 9, reason: 'painted/9.png: cannot be decoded: torn.' },
    ]);
    expect(seen).toHaveLength(2);
  });

  test('training: another sample takes the place, the same each time', async () => {
    const run = async () =>
      collect(createLoader(painted(40, [3, 4, 5]), { ...OPTIONS, shuffle: true, maxBadShare: 0.1 }));
    const batches = await run();
    expect(batches).toHaveLength(10);
    expect(batches.every(({ labels }) => labels.length === 4)).toBe(true);
    const ids = batches.flatMap(({ sampleIds }) => [...sampleIds]);
    expect(ids.some((id) => [1003, 1004, 1005].includes(id))).toBe(false);
    expect((await run()).map(hashOf)).toEqual(batches.map(hashOf));
  });

  test('too many are an error that names one', async () => {
    const loader = createLoader(painted(100, [0, 1, 2]), { ...OPTIONS, maxBadShare: 0.02 });
    await expect(collect(loader)).rejects.toThrow(
      /3 of 100 samples are unreadable, more than the 2 .* painted\/2\.png/,
    );
    await expect(
      collect(createLoader(painted(100, [7]), { ...OPTIONS, maxBadShare: 0 })),
    ).rejects.toMatchObject({
      code: 'invalid-file',
    });
  });

  test('an error of the program is not a bad sample', async () => {
    const broken: ImageDataset = { ...painted(8), sample: () => Promise.reject(new TypeError('a defect')) };
    await expect(collect(createLoader(broken, OPTIONS))).rejects.toThrow('a defect');
  });
});

describe('flow', () => {
  test('no more than prefetch batches are prepared ahead', async () => {
    let asked = 0;
    const counting: ImageDataset = {
      ...painted(40),
      sample(index) {
        asked = Math.max(asked, index + 1);
        return painted(40).sample(index);
      },
    };
    const batches = createLoader(counting, { ...OPTIONS, prefetch: 3 }).epoch();
    await batches.next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(asked).toBe(4 * 4);
    await batches.return();
  });

  test('an abort stops it', async () => {
    const controller = new AbortController();
    const loader = createLoader(painted(40), { ...OPTIONS, signal: controller.signal });
    const batches = loader.epoch();
    await batches.next();
    controller.abort();
    await expect(batches.next()).rejects.toMatchObject({ code: 'aborted' });
  });

  test('a stream is read in order by several prefetched batches', async () => {
    async function* source() {
      for (let id = 0; id < 20; id++) {
        await new Promise((resolve) => setTimeout(resolve, id % 3));
        yield painted(20).sample(id) as ImageSample;
      }
    }
    const stream = streamDataset(source, { length: 20, classNames: ['even', 'odd'] });
    const ids = (await collect(createLoader(stream, { ...OPTIONS, prefetch: 4 }))).flatMap(
      ({ sampleIds }) => [...sampleIds],
    );
    expect(ids).toEqual(Array.from({ length: 20 }, (_, i) => 1000 + i));
    expect(() => createLoader(stream, { ...OPTIONS, shuffle: true })).toThrow('can only be read in order');
  });
});

test.each<[Partial<LoaderOptions>, string]>([
  [{ batchSize: 0 }, 'batchSize must be an integer from 1'],
  [{ batchSize: 11, dropLast: true }, 'batchSize 11 is larger than the 10 samples'],
  [{ imageSize: 1.5 }, 'imageSize must be an integer'],
  [{ seed: NaN }, 'seed must be an integer'],
  [{ workers: -1 }, 'workers must be an integer from 0'],
  [{ prefetch: 0 }, 'prefetch must be an integer from 1'],
  [{ shard: { rank: 2, count: 2 } }, 'rank 2 of 2'],
  [{ shard: { rank: 10, count: 11 } }, 'this shard has no samples'],
  [{ position: { epoch: -1, offset: 0 } }, 'position.epoch must be an integer'],
  [{ maxBadShare: 2 }, 'maxBadShare must be from 0 to 1'],
  [{ augmentation: 'heavy', batchSize: 3, dropLast: true }, 'mixing pairs up the images'],
  [{ augmentation: 'lite' as never }, 'unknown scheme "lite"'],
])('%p is refused', (options, reason) => {
  expect(() => createLoader(painted(10), { ...OPTIONS, ...options })).toThrow(reason);
});
