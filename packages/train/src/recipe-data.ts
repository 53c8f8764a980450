import { RevatError } from '@revat/core';
import { digits, type ImageDataset } from '@revat/data';

import type { Recipe } from './recipe.js';

/** The data sets of a recipe: what is trained on, and what is validated and evaluated on. */
export interface RecipeData {
  readonly train: ImageDataset;
  readonly validation: ImageDataset;
}

type Opener = (data: Recipe['data']) => RecipeData | Promise<RecipeData>;

const OPENERS: Readonly<Record<string, Opener>> = {
  digits: ({ imageSize }) => ({
    train: digits({ imageSize, split: 'train' }),
    validation: digits({ imageSize, split: 'test' }),
  }),
};

/**
 * Opens the data of a recipe
 * Throws 'unknown-name', 'invalid-argument', or 'not-found' for a missing folder.
 */
export async function openRecipeData(recipe: Recipe): Promise<RecipeData> {
  const open = Object.hasOwn(OPENERS, recipe.data.name) ? OPENERS[recipe.data.name] : undefined;
  if (open) return open(recipe.data);
  throw new RevatError(
    'unknown-name',
    `recipe: data.name: unknown data set "${recipe.data.name}". Use one of ${Object.keys(OPENERS).join(', ')}.`,
  );
}
