/** The 5,000 ImageNet validation images of RobustBench, by name; see imagenet/LICENSE.md. */
import { readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

import { RevatError } from '@revat/core';

import { classFolders } from './image-folder.js';
import type { ImageDataset } from './image-dataset.js';
import { locatedDataset } from './located-dataset.js';

/** Names of the list's images, "n09468604/ILSVRC2012_val_00015253.JPEG", in RobustBench's order. */
export function robustbenchImageNames(): string[] {
  return bundledLines('robustbench-5000.txt');
}

/** The 1000 synsets of ImageNet-1k, "n01440764" and so on, in label order. */
export function imagenetSynsets(): string[] {
  return bundledLines('synsets.txt');
}

/**
 * RobustBench's 5,000 images from ImageNet's validation folder (one folder per synset), in its order; labels are those
 * of ImageNet-1k, whatever the folder holds. The id of a sample is its validation number.
 * Throws 'not-found' if the folder does not exist, 'invalid-file' if it holds none of the synsets.
 */
export function robustbenchImagenet(directory: string): ImageDataset {
  const root = resolve(directory);
  const names = robustbenchImageNames();
  const synsets = imagenetSynsets();
  const present = new Set(classFolders(root));
  if (!synsets.some((synset) => present.has(synset)))
    throw new RevatError(
      'invalid-file',
      `robustbenchImagenet: ${root} has no folder named like ${synsets[0]}. Give ImageNet's validation folder, one folder per synset.`,
    );
  const labels = new Map(synsets.map((synset, rank) => [synset, rank]));
  return locatedDataset(`${basename(root)}-robustbench-5000`, synsets, names.length, (index) => {
    const [synset, file] = names[index].split('/');
    const id = Number(/(\d+)\.JPEG$/.exec(file)?.[1]);
    return { path: join(root, synset, file), encoding: 'image', label: labels.get(synset) ?? NaN, id };
  });
}

function bundledLines(file: string): string[] {
  return readFileSync(new URL(`../imagenet/${file}`, import.meta.url), 'utf8')
    .trim()
    .split('\n');
}
