import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { checkDataset } from '../src/check-dataset.js';
import { formatDatasetCheck } from '../src/dataset-check.js';
import { fixture, temporaryFolder } from './fixture-paths.js';

function messyFolder(): string {
  const root = temporaryFolder();
  const put = (from: string, to: string) => {
    mkdirSync(join(root, to, '..'), { recursive: true });
    copyFileSync(fixture('bad', from), join(root, to));
  };
  put('gray.JPEG', 'train/cat/1.jpg');
  put('cmyk.JPEG', 'train/cat/2.jpg');
  put('truncated.JPEG', 'train/cat/3.jpg');
  put('png_named.JPEG', 'train/dog/4.jpg');
  put('gray.JPEG', 'train/dog/5.jpg');
  put('gray.JPEG', 'val/cat/6.jpg');
  put('one_pixel.JPEG', 'val/dog/7.jpg');
  writeFileSync(join(root, 'train/dog/Thumbs.db'), 'x');
  return root;
}

test('finds everything that is wrong with a folder', async () => {
  const progress: number[] = [];
  const check = await checkDataset(messyFolder(), { onProgress: (checked) => progress.push(checked) });
  expect(check).toMatchObject({
    layout: 'folders',
    images: 7,
    splits: [
      { name: 'train', images: 5, classes: { cat: 3, dog: 2 } },
      { name: 'val', images: 2, classes: { cat: 1, dog: 1 } },
    ],
    unreadable: [{ file: 'train/cat/3.jpg', reason: expect.stringContaining('premature end') as unknown }],
    duplicates: [
      {
        files: ['train/cat/1.jpg', 'train/dog/5.jpg', 'val/cat/6.jpg'],
        acrossClasses: true,
        acrossSplits: true,
      },
    ],
    wrongExtensions: [{ file: 'train/dog/4.jpg', format: 'png' }],
    ignored: ['train/dog/Thumbs.db'],
    colorModes: { gray: 3, cmyk: 1, rgb: 2 },
    sizes: { width: [1, 60], height: [1, 45] },
  });
  expect(progress.at(-1)).toBe(7);
  expect(JSON.parse(JSON.stringify(check))).toEqual(check);
  const text = formatDatasetCheck(check);
  for (const part of [
    'train: 5 images in 2 classes',
    'unreadable: 1',
    '(different classes) (different splits)',
    '1 of 7 images cannot be read',
  ])
    expect(text).toContain(part);
});

test('shards', async () => {
  const check = await checkDataset(fixture('shards'));
  expect(check).toMatchObject({ layout: 'shards', images: 12, unreadable: [], wrongExtensions: [] });
  expect(formatDatasetCheck(check)).toContain('every image can be read');
});

test('no data set is an error, an abort too', async () => {
  await expect(checkDataset('/no/such')).rejects.toMatchObject({ code: 'not-found' });
  await expect(checkDataset(temporaryFolder())).rejects.toMatchObject({ code: 'invalid-file' });
  await expect(checkDataset(fixture('shards'), { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'aborted',
  });
});
