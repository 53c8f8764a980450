/** Oxford 102 Flowers (Nilsback and Zisserman, ICVGIP 2008): a folder of pictures and split files. */
import { readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

import { RevatError } from '@revat/core';

import type { ImageDataset } from './image-dataset.js';
import { locatedDataset } from './located-dataset.js';
import { matFile } from './mat-file.js';
import { fileError } from './read-sample.js';

const CLASSES = 102;
const SPLIT_KEYS = { train: 'trnid', validation: 'valid', test: 'tstid' };

export interface Flowers102Options {
  split: 'train' | 'validation' | 'test';
}

/**
 * A split of Flowers-102 from the folder of jpg/, imagelabels.mat and setid.mat: 1020, 1020 and 6149 images. Labels are
 * 0..101 (the files count from 1), ids the numbers of the pictures. Throws if files are missing or broken.
 */
export function flowers102(directory: string, { split }: Flowers102Options): ImageDataset {
  const key = SPLIT_KEYS[split];
  if (!key)
    throw new RevatError(
      'invalid-argument',
      `flowers102: unknown split "${split}". Use train, validation or test.`,
    );
  const root = resolve(directory);
  const labels = matFile(join(root, 'imagelabels.mat')).get('labels');
  const ids = matFile(join(root, 'setid.mat')).get(key);
  if (!labels || !ids)
    throw new RevatError('invalid-file', `flowers102: ${root} lacks "labels" or "${key}" in its .mat files.`);
  const wrong = ids.find((id) => !(labels[id - 1] >= 1 && labels[id - 1] <= CLASSES));
  if (wrong !== undefined)
    throw new RevatError('invalid-file', `flowers102: picture ${wrong} has no label from 1 to ${CLASSES}.`);
  const classNames = Array.from({ length: CLASSES }, (_, label) => String(label + 1));
  return locatedDataset(`flowers102-${split}`, classNames, ids.length, (index) => ({
    path: join(root, 'jpg', `image_${String(ids[index]).padStart(5, '0')}.jpg`),
    encoding: 'image',
    label: labels[ids[index] - 1] - 1,
    id: ids[index],
  }));
}

/**
 * The images that a text file lists, one "path label" a line, paths relative to `directory`; lines that begin with # are
 * left out. Ids are places in the list. Throws 'invalid-file' for a line that cannot be read or a path that leaves the folder.
 */
export function imageList(
  directory: string,
  listFile: string,
  options: { name?: string; classNames?: readonly string[] } = {},
): ImageDataset {
  const root = resolve(directory);
  let text: string;
  try {
    text = readFileSync(listFile, 'utf8');
  } catch (cause) {
    throw fileError(listFile, cause);
  }
  const paths: string[] = [];
  const labels: number[] = [];
  for (const [number, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, path, label] = /^(.+?)\s+(\d{1,6})\s*$/.exec(line) ?? [];
    if (path === undefined || !join(root, path).startsWith(root))
      throw new RevatError(
        'invalid-file',
        `${listFile}: line ${number + 1} is no "path label" inside ${root}.`,
      );
    paths.push(path);
    labels.push(Number(label));
  }
  if (labels.length === 0) throw new RevatError('invalid-file', `${listFile}: lists no images.`);
  const classCount = labels.reduce((most, label) => Math.max(most, label), 0) + 1;
  const classNames = options.classNames ?? Array.from({ length: classCount }, (_, label) => String(label));
  if (classNames.length < classCount)
    throw new RevatError(
      'mismatch',
      `${listFile}: a label is ${classCount - 1}, but there are ${classNames.length} class names.`,
    );
  return locatedDataset(options.name ?? basename(listFile), classNames, labels.length, (index) => ({
    path: join(root, paths[index]),
    encoding: 'image',
    label: labels[index],
    id: index,
  }));
}
