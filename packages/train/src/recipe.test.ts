import { describe, expect, test } from '@jest/globals';

import { parseRecipe, readRecipe, recipeHash, type RecipeInput } from './recipe.js';

const RECIPE: RecipeInput = {
  name: 'smoke',
  data: { name: 'digits', imageSize: 32 },
  model: { name: 'convnext', depths: [1, 1], dims: [8, 16] },
  stages: [
    { name: 'clean', epochs: 1, learningRate: 1e-3 },
    { name: 'adversarial', epochs: 2, learningRate: 1e-3, attack: { norm: 'Linf', eps: '4/255' } },
  ],
};

describe('parseRecipe', () => {
  test('fills in defaults, reads fractions and keeps model options', () => {
    const recipe = parseRecipe(RECIPE);
    expect(recipe.seed).toBe(0);
    expect(recipe.stages[1].attack).toEqual({ norm: 'Linf', eps: 4 / 255, steps: 2, ramp: 0 });
    expect(recipe.stages[0].attack).toBeUndefined();
    expect(recipe.model.depths).toEqual([1, 1]);
  });

  test('a resolved recipe resolves to itself', () => {
    const recipe = parseRecipe(RECIPE);
    expect(parseRecipe(JSON.parse(JSON.stringify(recipe)))).toEqual(recipe);
  });

  test.each([
    [{ ...RECIPE, stages: [] }, /stages: .*>=1/],
    [{ ...RECIPE, epochs: 3 }, /[Uu]nrecognized key.*epochs/],
    [
      { ...RECIPE, stages: [{ name: 'clean', epochs: 0, learningRate: 1 }] },
      /stages\[0\]\.epochs: expected number to be >=1, got 0\.$/,
    ],
    [
      { ...RECIPE, stages: [{ name: '../clean', epochs: 1, learningRate: 1 }] },
      /stages\[0\]\.name: must be lower-case .*, got "\.\.\/clean"\.$/,
    ],
    [
      { ...RECIPE, stages: [{ name: 'a', epochs: 1, learningRate: 1, attack: { eps: '-4/255' } }] },
      /stages\[0\]\.attack\.eps: a radius must be a number > 0.*[^.]\.$/,
    ],
    [{ ...RECIPE, stages: [RECIPE.stages[0], RECIPE.stages[0]] }, /two stages are called "clean"/],
    ['nothing', /the document/],
  ])('refuses %#', (input, message) => {
    expect(() => parseRecipe(input)).toThrow(message);
  });

  test('a missing file and a file that is not JSON', () => {
    expect(() => readRecipe('/no/such/recipe.json')).toThrow(/cannot read \/no\/such\/recipe\.json/);
    expect(() => readRecipe(__filename)).toThrow(/is not JSON/);
  });
});

test('the hash depends on content, not on the order of keys', () => {
  const recipe = parseRecipe(RECIPE);
  const reordered = parseRecipe(Object.fromEntries(Object.entries(RECIPE).reverse()));
  expect(recipeHash(reordered)).toBe(recipeHash(recipe));
  expect(recipeHash({ ...recipe, seed: 1 })).not.toBe(recipeHash(recipe));
});
