import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { describeSchemaError, NORM_NAMES, parseRadius, RevatError } from '@revat/core';
import { z } from 'zod';

/**
 * A recipe: everything that decides the result of a training run. Recipes are JSON files or objects; unknown keys are
 * refused, defaults are filled in, and the resolved recipe is stored with the run. Two runs of one recipe give the same
 * numbers.
 */
const radius = z.union([z.number(), z.string()]).transform((value, context) => {
  try {
    return parseRadius(value);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message.replace(/^eps: /, '') });
    return z.NEVER;
  }
});

const attackSchema = z.strictObject({
  norm: z.enum(NORM_NAMES).default('Linf'),
  /** Radius in input units, number or text ("4/255"). */
  eps: radius,
  /** Steps of the training-time APGD; the paper uses 2. */
  steps: z.int().min(1).default(2),
  /** Share of the stage over which the radius rises linearly, from the radius of the stage before (0 if that was clean). */
  ramp: z.number().min(0).max(1).default(0),
});

const stageSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'must be lower-case letters, digits and hyphens'),
  epochs: z.int().min(1),
  batchSize: z.int().min(2).default(64),
  /** Peak learning rate of AdamW. */
  learningRate: z.number().positive(),
  finalLearningRate: z.number().min(0).default(0),
  warmupEpochs: z.number().min(0).default(0),
  weightDecay: z.number().min(0).default(0.05),
  /** Largest decay of the weights' moving average, which is what a stage hands on; 0 switches it off. */
  averageDecay: z.number().min(0).lt(1).default(0),
  /** A scheme of @revat/augment by name, or its options; @revat/augment checks them. */
  augmentation: z
    .union([z.string(), z.looseObject({ crop: z.looseObject({ kind: z.string() }) })])
    .default('none'),
  labelSmoothing: z.number().min(0).lt(1).default(0.1),
  /** Absent: clean training. */
  attack: attackSchema.optional(),
});

const recipeSchema = z.strictObject({
  name: z.string().min(1),
  description: z.string().default(''),
  seed: z.int().min(0).default(0),
  data: z.looseObject({ name: z.string(), imageSize: z.int().min(8) }),
  /** Name and options for `createModel`. */
  model: z.looseObject({ name: z.string() }),
  /** Images of the validation set used after each epoch, and the radius of that check. */
  validation: z
    .strictObject({
      images: z.int().min(1).default(200),
      eps: radius.optional(),
      steps: z.int().min(1).default(10),
    })
    .default({ images: 200, steps: 10 }),
  stages: z.array(stageSchema).min(1),
});

/** What a user writes: defaults may be left out. */
export type RecipeInput = z.input<typeof recipeSchema>;
/** A checked recipe with every default filled in. */
export type Recipe = z.output<typeof recipeSchema>;
export type Stage = Recipe['stages'][number];
export type StageAttack = NonNullable<Stage['attack']>;

/** The recipe with its defaults. Throws 'invalid-argument' naming the first wrong field and what it has to be. */
export function parseRecipe(input: unknown, where = 'recipe'): Recipe {
  const result = recipeSchema.safeParse(input);
  if (!result.success) {
    const message = `${where}: ${describeSchemaError(result.error, input)}.`;
    throw new RevatError('invalid-argument', message, { details: { issue: result.error.issues[0] } });
  }
  const names = result.data.stages.map(({ name }) => name);
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (repeated !== undefined)
    throw new RevatError(
      'invalid-argument',
      `${where}: two stages are called "${repeated}". Rename one of them.`,
    );
  return result.data;
}

/** A recipe from a JSON file. Throws 'not-found', 'invalid-file' (not JSON) or 'invalid-argument' (wrong fields). */
export function readRecipe(file: string): Recipe {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new RevatError('not-found', `recipe: cannot read ${file}. Give the path of a recipe in JSON.`, {
      cause,
    });
  }
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch (cause) {
    throw new RevatError('invalid-file', `recipe: ${file} is not JSON: ${(cause as Error).message}.`, {
      cause,
    });
  }
  return parseRecipe(input, file);
}

/** Hash of what a recipe says, independent of the order of its keys: the identity of a run folder. */
export function recipeHash(recipe: Recipe): string {
  return createHash('sha256').update(canonicalJson(recipe)).digest('hex').slice(0, 16);
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, entry: unknown) =>
    entry !== null && typeof entry === 'object' && !Array.isArray(entry)
      ? Object.fromEntries(Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1)))
      : entry,
  );
}
