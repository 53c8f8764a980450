import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { RevatError } from '@revat/core';

import { parseRecipe, recipeHash, type Recipe } from './recipe.js';

/** The folder of one run: recipe, training state, checkpoints; evaluation and report put their files beside them. */
export interface RunFolder {
  readonly path: string;
  readonly recipe: Recipe;
  /** Identity of the recipe; every file of the run names it. */
  readonly hash: string;
}

const RECIPE_FILE = 'recipe.json';

/**
 * Opens a folder for a run of this recipe: a new or empty one, or with `resume` one that a run of the same recipe began.
 * Throws 'mismatch' for a folder that holds a run already (without `resume`), another recipe or other files, 'io' if it
 * cannot be written; nothing in it is changed then.
 */
export function openRunFolder(folder: string, recipe: Recipe, { resume = false } = {}): RunFolder {
  const hash = recipeHash(recipe);
  const present = listFolder(folder);
  if (present.length > 0) {
    const found = readRunFolder(folder);
    if (found.hash !== hash)
      throw new RevatError(
        'mismatch',
        `run folder: ${folder} holds a run of another recipe ("${found.recipe.name}", ${found.hash}; this one is ${hash}). Choose another --out.`,
      );
    if (!resume)
      throw new RevatError(
        'mismatch',
        `run folder: ${folder} holds this run already. Continue it with --resume or choose another --out.`,
      );
    return found;
  }
  if (resume)
    throw new RevatError(
      'not-found',
      `run folder: ${folder} holds no run to resume. Start one without --resume.`,
    );
  createFolder(path.join(folder, 'checkpoints'));
  writeJsonAtomically(path.join(folder, RECIPE_FILE), { hash, recipe });
  return { path: folder, recipe, hash };
}

/** The run that a folder holds. Throws 'not-found' without one, 'mismatch' where files of something else lie, 'invalid-file' for a broken recipe. */
export function readRunFolder(folder: string): RunFolder {
  const file = path.join(folder, RECIPE_FILE);
  if (!existsSync(file)) {
    const code = existsSync(folder) ? 'mismatch' : 'not-found';
    throw new RevatError(
      code,
      `run folder: ${folder} has no ${RECIPE_FILE}, so it is not the folder of a run. Choose another --out.`,
    );
  }
  const stored = readJson(file) as { recipe?: unknown };
  const recipe = parseRecipe(stored.recipe, file);
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

/** Makes a folder and its parents. Throws 'io'. */
export function createFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new RevatError(
      'io',
      `run folder: cannot write to ${folder} (${(cause as Error).message}). Choose another --out.`,
      {
        cause,
      },
    );
  }
}

/** Writes JSON so that a reader sees the old or the new file, never a part. Throws 'io'. */
export function writeJsonAtomically(file: string, value: unknown): void {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, `${JSON.stringify(value, null, 2)}\n`);
    renameSync(temporary, file);
  } catch (cause) {
    throw new RevatError('io', `run folder: cannot write ${file}: ${(cause as Error).message}.`, { cause });
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
      {
        cause,
      },
    );
  }
}

/** SHA-256 of a file, in hex. */
export function hashFile(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
