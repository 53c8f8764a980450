import { RevatError } from '@revat/core';
import { cifar10, cifar100, digits, imageFolder, tarShards, type ImageDataset } from '@revat/data';

import type { Recipe } from './recipe.js';

/** The data sets of a recipe: what is trained on, and what is validated and evaluated on. */
export interface RecipeData {
  readonly train: ImageDataset;
  readonly validation: ImageDataset;
  /** How images are brought to the model's size outside training: as they are, or resized and cropped (appendix A.4). */
  readonly transform: 'none' | 'evaluation';
}

type Opener = (data: Recipe['data']) => RecipeData;

const OPENERS: Readonly<Record<string, Opener>> = {
  digits: ({ imageSize }) => ({
    train: digits({ imageSize, split: 'train' }),
    validation: digits({ imageSize, split: 'test' }),
    transform: 'none',
  }),
  cifar10: ({ root }) => ({
    train: cifar10(pathOption('root', root), { split: 'train' }),
    validation: cifar10(pathOption('root', root), { split: 'test' }),
    transform: 'none',
  }),
  cifar100: ({ root }) => ({
    train: cifar100(pathOption('root', root), { split: 'train' }),
    validation: cifar100(pathOption('root', root), { split: 'test' }),
    transform: 'none',
  }),
  'image-folder': ({ train, validation }) => ({
    train: imageFolder(pathOption('train', train)),
    validation: imageFolder(pathOption('validation', validation)),
    transform: 'evaluation',
  }),
  'tar-shards': ({ train, validation }) => ({
    train: tarShards(pathOption('train', train)),
    validation: tarShards(pathOption('validation', validation)),
    transform: 'evaluation',
  }),
};

/**
 * Opens the data of a recipe: `{ name: 'digits' }`, `{ name: 'cifar10' | 'cifar100', root }`, or
 * `{ name: 'image-folder' | 'tar-shards', train, validation }`. Throws 'unknown-name', 'invalid-argument', or 'not-found' and
 * 'invalid-file' for a folder that is missing or holds something else.
 */
export function openRecipeData(recipe: Recipe): RecipeData {
  const open = Object.hasOwn(OPENERS, recipe.data.name) ? OPENERS[recipe.data.name] : undefined;
  if (open) return open(recipe.data);
  throw new RevatError(
    'unknown-name',
    `recipe: data.name: unknown data set "${recipe.data.name}". Use one of ${Object.keys(OPENERS).join(', ')}.`,
  );
}

function pathOption(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new RevatError('invalid-argument', `recipe: data.${name} must be the path of a folder.`);
}
