/** ImageNet-style folders: one folder per class, as torchvision's ImageFolder reads them. */
import { readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

import { RevatError } from '@revat/core';

import type { ImageDataset } from './image-dataset.js';
import { locatedDataset } from './located-dataset.js';
import { fileError } from './read-sample.js';

export interface ImageFolderOptions {
  /** Default: the name of the folder. */
  name?: string;
  /** Class names in label order; default: the folders in sorted order. Folders that are not listed are left out. */
  classNames?: readonly string[];
}

/** Whether a file is an image by its name. */
export function isImageName(name: string): boolean {
  return IMAGE_NAME.test(name);
}

const IMAGE_NAME = /\.(jpe?g|png|webp|tiff?|gif)$/i;

/**
 * The images below `directory`, labelled by the class folder they are in, classes and files in sorted order; the id of a
 * sample is its place in that order. Only names are read, so a million files take seconds.
 * Throws 'not-found' if the folder does not exist, 'invalid-file' if it has no class folder or no image.
 */
export function imageFolder(directory: string, options: ImageFolderOptions = {}): ImageDataset {
  const root = resolve(directory);
  const classNames = options.classNames ?? classFolders(root);
  const folders = classNames.map((className) => imageNames(join(root, className)));
  const ends = Uint32Array.from(
    folders,
    (
      (sum) => (names: string[]) =>
        (sum += names.length)
    )(0),
  );
  const length = ends.at(-1) ?? 0;
  if (length === 0)
    throw new RevatError(
      'invalid-file',
      `imageFolder: ${root} holds no images. Give a folder with one folder per class (JPEG, PNG, WebP, TIFF or GIF files).`,
    );
  return locatedDataset(options.name ?? basename(root), classNames, length, (index) => {
    const label = classOf(ends, index);
    const first = label === 0 ? 0 : ends[label - 1];
    return {
      path: join(root, classNames[label], folders[label][index - first]),
      encoding: 'image',
      label,
      id: index,
    };
  });
}

/** The folders in a directory, sorted. */
export function classFolders(root: string): string[] {
  try {
    return readdirSync(root)
      .sort()
      .filter((name) => !IMAGE_NAME.test(name) && isFolder(join(root, name)));
  } catch (cause) {
    throw fileError(root, cause);
  }
}

/** Paths of the images in a folder and the folders in it, relative to it, sorted within each. */
function imageNames(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch (cause) {
    throw fileError(folder, cause);
  }
  const images = names.filter((name) => IMAGE_NAME.test(name));
  if (images.length === names.length) return images;
  const folders = names.filter((name) => !name.includes('.') && isFolder(join(folder, name)));
  return images.concat(
    ...folders.map((name) => imageNames(join(folder, name)).map((path) => join(name, path))),
  );
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** The class of a sample: the first whose end lies behind the index. */
function classOf(ends: Uint32Array, index: number): number {
  let low = 0;
  let high = ends.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ends[middle] > index) high = middle;
    else low = middle + 1;
  }
  return low;
}
