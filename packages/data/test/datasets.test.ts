import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';

import { describe, expect, test } from '@jest/globals';

import { cifar10, cifar100 } from '../src/cifar.js';
import { digits } from '../src/digits.js';
import { flowers102, imageList } from '../src/flowers102.js';
import type { ImageDataset } from '../src/image-dataset.js';
import { imageFolder } from '../src/image-folder.js';
import { imagenetSynsets, robustbenchImagenet, robustbenchImageNames } from '../src/robustbench-imagenet.js';
import { streamDataset } from '../src/stream-dataset.js';
import { mapClasses, randomSubset, splitDataset, subset } from '../src/subset.js';
import { tarShards } from '../src/tar-shards.js';
import { fixture, temporaryFolder } from './fixture-paths.js';

async function samples(dataset: ImageDataset) {
  return Promise.all(Array.from({ length: dataset.length }, async (_, index) => dataset.sample(index)));
}

describe('digits', () => {
  test('the splits are disjoint, complete and balanced', async () => {
    const ids = (split: 'train' | 'test' | 'all') =>
      samples(digits({ split })).then((list) => list.map(({ id }) => id));
    const [train, held, all] = await Promise.all([ids('train'), ids('test'), ids('all')]);
    expect([train.length, held.length, all.length]).toEqual([1297, 500, 1797]);
    expect(new Set([...train, ...held])).toEqual(new Set(all));
    const labels = (await samples(digits({ split: 'test' }))).map(({ label }) => label);
    for (let label = 0; label < 10; label++) expect(labels.filter((one) => one === label)).toHaveLength(50);
  });

  test('the first row of the file, at its own size, in 17 gray levels', async () => {
    const all = await samples(digits({ imageSize: 8, split: 'all' }));
    const first = all.find(({ id }) => id === 0)!;
    expect(first.label).toBe(0);
    const levels = Array.from({ length: 16 }, (_, i) => Math.round((first.pixels[i * 3] * 16) / 255));
    expect(levels).toEqual([0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0]);
    expect(all.every(({ pixels }) => pixels.every((value, i) => value === pixels[i - (i % 3)]))).toBe(true);
  });

  test('a sample is the caller’s to change', async () => {
    const dataset = digits();
    const sample = await dataset.sample(0);
    sample.pixels.fill(9);
    expect((await dataset.sample(0)).pixels.some((value) => value !== 9)).toBe(true);
  });

  test.each([{ imageSize: 4 }, { imageSize: 32.5 }, { split: 'val' as never }])(
    '%p is refused',
    (options) => {
      expect(() => digits(options)).toThrow(/^digits: /);
    },
  );
});

describe('imageFolder', () => {
  test('classes and files in sorted order, ids are places', async () => {
    const dataset = imageFolder(fixture('folder'));
    expect(dataset.classNames).toEqual(['n90000000', 'n90000001', 'n90000002']);
    const list = await samples(dataset);
    expect(list.map(({ label }) => label)).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    expect(list.map(({ id }) => id)).toEqual(Array.from({ length: 12 }, (_, i) => i));
    expect(list.every(({ pixels, width, height }) => pixels.length === width * height * 3)).toBe(true);
  });

  test('given classes decide labels', () => {
    const dataset = imageFolder(fixture('folder'), { classNames: ['n90000002', 'n90000000'] });
    expect(dataset.length).toBe(8);
    expect(dataset.locate!(0)).toMatchObject({
      label: 0,
      path: expect.stringContaining('n90000002') as unknown,
    });
  });

  test('nested folders, links and other files', () => {
    const root = temporaryFolder();
    mkdirSync(join(root, 'cat/more'), { recursive: true });
    for (const file of ['b.JPG', 'a.png', 'notes.txt', 'more/c.webp'])
      writeFileSync(join(root, 'cat', file), '');
    symlinkSync(join(root, 'cat'), join(root, 'dog'));
    writeFileSync(join(root, 'README'), '');
    const dataset = imageFolder(root);
    expect(dataset.classNames).toEqual(['cat', 'dog']);
    const paths = [0, 1, 2].map((index) => dataset.locate!(index).path.slice(root.length + 1));
    expect(paths).toEqual(['cat/a.png', 'cat/b.JPG', 'cat/more/c.webp']);
  });

  test('what is no data set is refused by name', () => {
    expect(() => imageFolder('/no/such/folder')).toThrow('/no/such/folder: does not exist.');
    expect(() => imageFolder(temporaryFolder())).toThrow('holds no images');
    expect(() => imageFolder(fixture('folder'), { classNames: ['unicorn'] })).toThrow(
      /unicorn: does not exist/,
    );
  });

  test('indices that do not exist are refused', async () => {
    for (const index of [-1, 12, 0.5, NaN])
      await expect(imageFolder(fixture('folder')).sample(index)).rejects.toThrow('no sample');
  });
});

describe('tarShards', () => {
  test('samples of both shards equal the folder’s files', async () => {
    const dataset = tarShards(fixture('shards'));
    expect(dataset.length).toBe(12);
    const [first] = await samples(dataset);
    expect([first.label, first.width, first.height]).toEqual([0, 77, 74]);
    const labels = (await samples(dataset)).map(({ label }) => label);
    expect(labels.slice(0, 2)).toEqual([0, 2]);
  });

  test('class names must be enough', () => {
    expect(() => tarShards(fixture('shards'), { classNames: ['zero'] })).toThrow('there are 1 class names');
  });

  test('a truncated shard is refused by name', () => {
    const path = join(temporaryFolder(), 'cut.tar');
    writeFileSync(path, readFileSync(fixture('shards', 'train-000000.tar')).subarray(0, 3000));
    expect(() => tarShards(path)).toThrow(/cut\.tar: ends in the middle of "n90000000_565\.jpg"/);
  });

  test('what is no tar file is refused', () => {
    const path = join(temporaryFolder(), 'text.tar');
    writeFileSync(path, 'hello '.repeat(1000));
    expect(() => tarShards(path)).toThrow('is no tar file');
    expect(() => tarShards('/no/shards')).toThrow('/no/shards: does not exist');
  });

  test('a sample without a label is refused by key', () => {
    const path = join(temporaryFolder(), 'nolabel.tar');
    const shard = readFileSync(fixture('shards', 'train-000000.tar'));
    // Leave out the first member, the label: its header and one block.
    writeFileSync(path, shard.subarray(1024));
    expect(() => tarShards(path)).toThrow('the sample "n90000000_565" has no label');
  });

  test('any bytes give an error or a data set, never a hang or another exception', () => {
    const shard = readFileSync(fixture('shards', 'train-000000.tar'));
    const path = join(temporaryFolder(), 'fuzz.tar');
    for (let round = 0; round < 300; round++) {
      const broken = Buffer.from(shard.subarray(0, 8192));
      for (let k = 0; k < 4; k++)
        broken[(round * 131 + k * 977) % broken.length] = (round * 37 + k * 91) & 255;
      writeFileSync(path, broken);
      try {
        tarShards(path);
      } catch (error) {
        expect(error).toMatchObject({ name: 'RevatError' });
      }
    }
  });
});

describe('CIFAR', () => {
  const record = (labels: number[], fill: number) =>
    Buffer.concat([
      Buffer.from(labels),
      Buffer.alloc(1024, fill),
      Buffer.alloc(1024, fill + 1),
      Buffer.alloc(1024, fill + 2),
    ]);

  test('CIFAR-10: five training files, planes become pixels', async () => {
    const root = temporaryFolder();
    for (let batch = 1; batch <= 5; batch++)
      writeFileSync(
        join(root, `data_batch_${batch}.bin`),
        Buffer.concat([record([batch], batch * 10), record([0], 100)]),
      );
    writeFileSync(
      join(root, 'batches.meta.txt'),
      'airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n',
    );
    const dataset = cifar10(root, { split: 'train' });
    expect([dataset.length, dataset.classNames[1]]).toEqual([10, 'automobile']);
    const sample = await dataset.sample(4);
    expect([sample.label, ...sample.pixels.subarray(0, 3)]).toEqual([3, 30, 31, 32]);
    expect([sample.width, sample.height, sample.id]).toEqual([32, 32, 4]);
  });

  test('CIFAR-100: fine and coarse labels', async () => {
    const root = temporaryFolder();
    writeFileSync(join(root, 'test.bin'), Buffer.concat([record([4, 77], 1), record([19, 99], 2)]));
    expect((await cifar100(root, { split: 'test' }).sample(1)).label).toBe(99);
    const coarse = cifar100(root, { split: 'test', labels: 'coarse' });
    expect([(await coarse.sample(1)).label, coarse.classNames.length]).toEqual([19, 20]);
  });

  test('missing, cut and mislabelled files are refused', () => {
    const root = temporaryFolder();
    expect(() => cifar10(root, { split: 'test' })).toThrow('test_batch.bin: does not exist');
    writeFileSync(join(root, 'test_batch.bin'), record([1], 0).subarray(0, 3000));
    expect(() => cifar10(root, { split: 'test' })).toThrow('not a multiple of 3073');
    writeFileSync(join(root, 'test_batch.bin'), record([10], 0));
    expect(() => cifar10(root, { split: 'test' })).toThrow('label 10, there are 10 classes');
    expect(() => cifar10(root, { split: 'val' as never })).toThrow('split must be train or test');
  });
});

describe('Flowers-102', () => {
  /** A MATLAB 5 file with one compressed row vector a name. */
  function matBytes(matrices: Record<string, number[]>): Buffer {
    const element = (type: number, data: Buffer) => {
      const tag = Buffer.alloc(8);
      tag.writeUInt32LE(type, 0);
      tag.writeUInt32LE(data.length, 4);
      return Buffer.concat([tag, data, Buffer.alloc((8 - (data.length % 8)) % 8)]);
    };
    const words = (...values: number[]) => Buffer.from(Uint32Array.from(values).buffer);
    const head = Buffer.alloc(128, 32);
    head.write('MATLAB 5.0 MAT-file');
    head.writeUInt16LE(0x0100, 124);
    head.write('IM', 126);
    const parts = Object.entries(matrices).map(([name, values]) => {
      const body = Buffer.concat([
        element(6, words(9, 0)),
        element(5, words(1, values.length)),
        element(1, Buffer.from(name)),
        element(4, Buffer.from(Uint16Array.from(values).buffer)),
      ]);
      const data = deflateSync(element(14, body));
      const tag = Buffer.alloc(8);
      tag.writeUInt32LE(15, 0);
      tag.writeUInt32LE(data.length, 4);
      return Buffer.concat([tag, data]);
    });
    return Buffer.concat([head, ...parts]);
  }

  function flowersFolder(): string {
    const root = temporaryFolder();
    writeFileSync(join(root, 'imagelabels.mat'), matBytes({ labels: [77, 1, 102, 5] }));
    writeFileSync(join(root, 'setid.mat'), matBytes({ trnid: [3, 1], valid: [2], tstid: [4] }));
    mkdirSync(join(root, 'jpg'));
    writeFileSync(join(root, 'jpg/image_00003.jpg'), readFileSync(fixture('bad', 'small_420.JPEG')));
    return root;
  }

  test('labels and splits come from the .mat files', async () => {
    const dataset = flowers102(flowersFolder(), { split: 'train' });
    expect(dataset.length).toBe(2);
    expect(await dataset.sample(0)).toMatchObject({ label: 101, id: 3, width: 48, height: 32 });
    await expect(dataset.sample(1)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('broken files are refused', () => {
    const root = flowersFolder();
    writeFileSync(join(root, 'setid.mat'), matBytes({ trnid: [9], valid: [], tstid: [] }));
    expect(() => flowers102(root, { split: 'train' })).toThrow('picture 9 has no label');
    writeFileSync(join(root, 'setid.mat'), matBytes({ trnid: [1] }).subarray(0, 150));
    expect(() => flowers102(root, { split: 'train' })).toThrow(/setid\.mat/);
    writeFileSync(join(root, 'setid.mat'), 'no');
    expect(() => flowers102(root, { split: 'train' })).toThrow('is no MATLAB 5 file');
  });

  test('a list of paths and labels', async () => {
    const list = join(temporaryFolder(), 'list.txt');
    writeFileSync(list, '# two pictures\nalpha.png 1\r\ngray8.png\t0\n');
    const dataset = imageList(fixture('bad'), list);
    expect((await samples(dataset)).map(({ label }) => label)).toEqual([1, 0]);
    writeFileSync(list, '../folder/x.jpg 1\n');
    expect(() => imageList(fixture('bad'), list)).toThrow('line 1 is no "path label"');
  });
});

describe('RobustBench’s ImageNet list', () => {
  test('5000 images, 1000 synsets, labels of ImageNet-1k', () => {
    const names = robustbenchImageNames();
    expect([names.length, new Set(names).size, names[0]]).toEqual([
      5000,
      5000,
      'n09468604/ILSVRC2012_val_00015253.JPEG',
    ]);
    const synsets = imagenetSynsets();
    expect([synsets.length, synsets[281], synsets[967]]).toEqual([1000, 'n02123045', 'n07920052']);
    expect(synsets).toEqual([...synsets].sort());
    expect(names.every((name) => synsets.includes(name.slice(0, 9)))).toBe(true);
  });

  test('labels and ids do not depend on what the folder holds', () => {
    const root = temporaryFolder();
    mkdirSync(join(root, 'n02123045'));
    const dataset = robustbenchImagenet(root);
    expect(dataset.locate!(0)).toMatchObject({
      id: 15253,
      path: join(root, 'n09468604/ILSVRC2012_val_00015253.JPEG'),
    });
    const labels = new Set(Array.from({ length: 5000 }, (_, index) => dataset.locate!(index).label));
    expect(Math.max(...labels)).toBeLessThan(1000);
    expect(() => robustbenchImagenet(fixture('folder'))).toThrow('has no folder named like n01440764');
  });
});

describe('parts of a data set', () => {
  const dataset = imageFolder(fixture('folder'));

  test('a subset keeps ids', async () => {
    expect((await samples(subset(dataset, [7, 2]))).map(({ id }) => id)).toEqual([7, 2]);
    expect(() => subset(dataset, [12])).toThrow('there is no sample 12');
  });

  test('a split is disjoint, complete, and the same again', () => {
    const ids = (part: ImageDataset) => Array.from({ length: part.length }, (_, i) => part.locate!(i).id);
    const [first, second] = splitDataset(dataset, 0.25, 5).map(ids);
    expect([first.length, second.length]).toEqual([3, 9]);
    expect([...first, ...second].sort((a, b) => a - b)).toEqual(ids(dataset));
    expect(splitDataset(dataset, 0.25, 5).map(ids)).toEqual([first, second]);
    expect(() => splitDataset(dataset, 0.01)).toThrow('leaves a part empty');
  });

  test('a random subset depends on the seed', () => {
    const ids = (seed: number) =>
      Array.from({ length: 4 }, (_, i) => randomSubset(dataset, 4, seed).locate!(i).id);
    expect(ids(1)).toEqual(ids(1));
    expect(ids(1)).not.toEqual(ids(2));
    expect(() => randomSubset(dataset, 13)).toThrow('count must be from 1 to 12');
  });

  test('classes are merged and left out', async () => {
    const mapped = mapClasses(dataset, [1, -1, 0], ['two', 'zero']);
    expect((await samples(mapped)).map(({ label, id }) => [label, id])).toEqual([
      [1, 0], [1, 1], [1, 2], [1, 3], [0, 8], [0, 9], [0, 10], [0, 11],
    ]); // prettier-ignore
    expect(mapped.locate!(7)).toMatchObject({ label: 0, id: 11 });
    expect(() => mapClasses(dataset, [0], ['a'])).toThrow('1 new labels for 3 classes');
    expect(() => mapClasses(dataset, [0, 0, 5], ['a'])).toThrow('the new label 5');
  });
});

describe('streams', () => {
  const pixel = (id: number) => ({ pixels: Uint8Array.of(id, id, id), width: 1, height: 1, label: 0, id });
  async function* three() {
    for (let id = 0; id < 3; id++) yield pixel(id);
  }

  test('in order, skipping ahead, and from the start again', async () => {
    const stream = streamDataset(three, { length: 3, classNames: ['a'] });
    const ids: number[] = [];
    for (const index of [0, 2, 1, 2, 0]) ids.push((await stream.sample(index)).id);
    expect(ids).toEqual([0, 2, 1, 2, 0]);
  });

  test('one that ends early is an error', async () => {
    const stream = streamDataset([pixel(0)], { length: 2, classNames: ['a'] });
    await expect(stream.sample(1)).rejects.toThrow('ended after 1 samples instead of 2');
    expect(() => streamDataset([], { length: 0, classNames: [] })).toThrow('length must be an integer >= 1');
  });
});
