import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { RevatError } from '@revat/core';
import { createFolder, writeJsonAtomically } from '@revat/distributed';

import { parseRecipe, recipeHash, type Recipe } from './recipe.js';

/** The folder of one training run: recipe, training state, checkpoints. */
export interface RunFolder {
  readonly path: string;
  readonly recipe: Recipe;
  /** Identity of the recipe; every file of the run names it. */
  readonly hash: string;
}

/** What a folder of results belongs to: stored in it as `file` when it is made, compared when it is used again. */
export interface FolderOwner {
  /** For people, e.g. "quickstart-conv". */
  readonly name: string;
  readonly hash: string;
  /** File in the folder that holds `hash`, `name` and `settings`. */
  readonly file: string;
  readonly settings: unknown;
}

const RECIPE_FILE = 'recipe.json';

/**
 * Makes a folder the owner's, or with `resume` finds the one that was. Throws 'mismatch' for a folder that holds results
 * already (without `resume`), those of another owner, or other files; 'not-found' if there is nothing to resume; 'io' if it
 * cannot be written. Nothing in it is changed then.
 */
export function claimFolder(folder: string, owner: FolderOwner, { resume = false } = {}): void {
  const advice = 'Choose another --out.';
  if (listFolder(folder).length === 0) {
    if (resume)
      throw new RevatError(
        'not-found',
        `run folder: ${folder} holds no run to resume. Start one without --resume.`,
      );
    const { hash, name, settings } = owner;
    writeJsonAtomically(path.join(folder, owner.file), { hash, name, settings });
    return;
  }
  const found = readFolderOwner(folder, owner.file);
  if (found.hash !== owner.hash)
    throw new RevatError(
      'mismatch',
      `run folder: ${folder} holds a run of another recipe ("${found.name}", ${found.hash}; this one is "${owner.name}", ${owner.hash}). ${advice}`,
    );
  if (!resume)
    throw new RevatError(
      'mismatch',
      `run folder: ${folder} holds this run already. Continue it with --resume, or choose another --out.`,
    );
}

/** Whose results a folder holds. Throws 'not-found' or 'mismatch' if it holds none, 'invalid-file' for a damaged file. */
export function readFolderOwner(folder: string, file: string): Omit<FolderOwner, 'file'> {
  const document = path.join(folder, file);
  if (!existsSync(document)) {
    const code = existsSync(folder) ? 'mismatch' : 'not-found';
    throw new RevatError(
      code,
      `run folder: ${folder} has no ${file}, so it is not the folder of such a run. Choose another --out.`,
    );
  }
  const { hash, name, settings } = readJson(document) as Partial<FolderOwner>;
  if (typeof hash === 'string' && typeof name === 'string') return { hash, name, settings };
  throw new RevatError(
    'invalid-file',
    `run folder: ${document} is damaged: hash or name is missing. Choose another --out.`,
  );
}

/** Opens a folder for a run of this recipe: a new or empty one, or with `resume` one that such a run began. Throws as `claimFolder`. */
export function openRunFolder(folder: string, recipe: Recipe, options: { resume?: boolean } = {}): RunFolder {
  const hash = recipeHash(recipe);
  claimFolder(folder, { name: recipe.name, hash, file: RECIPE_FILE, settings: recipe }, options);
  createFolder(path.join(folder, 'checkpoints'));
  return { path: folder, recipe, hash };
}

/** The training run that a folder holds. Throws as `readFolderOwner`, and 'invalid-argument' for a recipe of another version. */
export function readRunFolder(folder: string): RunFolder {
  const { settings } = readFolderOwner(folder, RECIPE_FILE);
  const recipe = parseRecipe(settings, path.join(folder, RECIPE_FILE));
  return { path: folder, recipe, hash: recipeHash(recipe) };
}

function listFolder(folder: string): string[] {
  if (!existsSync(folder)) return [];
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw new RevatError(
      'io',
      `run folder: ${folder} is not a folder that can be read. Choose another --out.`,
      { cause },
    );
  }
}

/** A JSON file of a run. Throws 'invalid-file'. */
export function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new RevatError(
      'invalid-file',
      `run folder: ${file} is damaged: ${(cause as Error).message}. Start again in another --out.`,
      { cause },
    );
  }
}

/** SHA-256 of a file, in hex. */
export function hashFile(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
