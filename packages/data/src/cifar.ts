/** CIFAR-10 and CIFAR-100 in their binary version (Krizhevsky, 2009). */
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { RevatError } from '@revat/core';

import type { ImageDataset } from './image-dataset.js';
import { locatedDataset } from './located-dataset.js';
import { fileError, readBytes } from './read-sample.js';

export interface CifarOptions {
  split: 'train' | 'test';
}

export interface Cifar100Options extends CifarOptions {
  /** 100 fine or 20 coarse classes; default 'fine'. */
  labels?: 'fine' | 'coarse';
}

const IMAGE_BYTES = 32 * 32 * 3;

/** CIFAR-10 from the folder of data_batch_1.bin .. data_batch_5.bin and test_batch.bin. Throws if files are missing or broken. */
export function cifar10(directory: string, { split }: CifarOptions): ImageDataset {
  const batches = [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`);
  const files = { train: batches, test: ['test_batch.bin'] }[split];
  return cifar(`cifar10-${split}`, directory, files, 'batches.meta.txt', {
    labelBytes: 1,
    labelByte: 0,
    classes: 10,
  });
}

/** CIFAR-100 from the folder of train.bin and test.bin. Throws if files are missing or broken. */
export function cifar100(directory: string, { split, labels = 'fine' }: Cifar100Options): ImageDataset {
  const files = { train: ['train.bin'], test: ['test.bin'] }[split];
  const layout =
    labels === 'fine'
      ? { labelBytes: 2, labelByte: 1, classes: 100 }
      : { labelBytes: 2, labelByte: 0, classes: 20 };
  return cifar(`cifar100-${split}`, directory, files, `${labels}_label_names.txt`, layout);
}

interface CifarLayout {
  readonly labelBytes: number;
  readonly labelByte: number;
  readonly classes: number;
}

function cifar(
  name: string,
  directory: string,
  files: string[] | undefined,
  namesFile: string,
  { labelBytes, labelByte, classes }: CifarLayout,
): ImageDataset {
  if (!files) throw new RevatError('invalid-argument', `${name}: the split must be train or test.`);
  const recordBytes = labelBytes + IMAGE_BYTES;
  const root = resolve(directory);
  const paths = files.map((file) => join(root, file));
  const counts = paths.map((path) => recordCount(path, recordBytes));
  const labels = Uint8Array.from(
    paths.flatMap((path, file) => {
      const bytes = readBytes({ path });
      return Array.from({ length: counts[file] }, (_, record) => bytes[record * recordBytes + labelByte]);
    }),
  );
  const wrong = labels.findIndex((label) => label >= classes);
  if (wrong >= 0)
    throw new RevatError(
      'invalid-file',
      `${name}: sample ${wrong} has label ${labels[wrong]}, there are ${classes} classes.`,
    );
  return locatedDataset(name, classNamesOf(join(root, namesFile), classes), labels.length, (index) => {
    let file = 0;
    let record = index;
    while (record >= counts[file]) record -= counts[file++];
    const offset = record * recordBytes + labelBytes;
    return {
      path: paths[file],
      offset,
      length: IMAGE_BYTES,
      encoding: 'planes',
      label: labels[index],
      id: index,
    };
  });
}

function recordCount(path: string, recordBytes: number): number {
  let size: number;
  try {
    ({ size } = statSync(path));
  } catch (cause) {
    throw fileError(path, cause);
  }
  if (size > 0 && size % recordBytes === 0) return size / recordBytes;
  throw new RevatError(
    'invalid-file',
    `${path}: has ${size} bytes, not a multiple of ${recordBytes}. Use the binary version.`,
  );
}

/** The names beside the data, or numbers where the file is absent. */
function classNamesOf(path: string, classes: number): string[] {
  const numbers = Array.from({ length: classes }, (_, label) => String(label));
  try {
    const names = readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line.trim() !== '');
    return names.length === classes ? names.map((line) => line.trim()) : numbers;
  } catch {
    return numbers;
  }
}
