import { describe, expect, test } from '@jest/globals';

import { describeSchemaError } from './schema-error.js';

describe('describeSchemaError', () => {
  const document = {
    models: [{ share: 1.2 }, { share: NaN, label: 'x'.repeat(100) }],
    versions: { '@revat/core': 1 },
    seed: null,
    ramp: () => 0,
  };

  // The messages are zod's.
  test.each<[string, PropertyKey[], string, string]>([
    [
      'too_big',
      ['models', 0, 'share'],
      'Too big: expected number to be <=1',
      'models[0].share: expected number to be <=1, got 1.2',
    ],
    [
      'invalid_type',
      ['models', 1, 'share'],
      'Invalid input: expected number, received NaN',
      'models[1].share: expected number, got NaN',
    ],
    [
      'invalid_value',
      ['models', 1, 'label'],
      'Invalid option: expected one of "a"|"b"',
      `models[1].label: expected one of "a"|"b", got "${'x'.repeat(56)}...`,
    ],
    [
      'invalid_type',
      ['versions', '@revat/core'],
      'Invalid input: expected string, received number',
      'versions.@revat/core: expected string, got 1',
    ],
    ['invalid_type', ['seed'], 'Invalid input: expected int, received null', 'seed: expected int, got null'],
    [
      'invalid_type',
      ['none'],
      'Invalid input: expected int, received undefined',
      'none: expected int, got nothing',
    ],
    ['invalid_union', ['ramp'], 'Invalid input', 'ramp: Invalid input, got a function'],
    ['invalid_union', ['seed'], 'Invalid input', 'seed: Invalid input, got null'],
    ['unrecognized_keys', ['models', 0], 'Unrecognized key: "color"', 'models[0]: Unrecognized key: "color"'],
    [
      'custom',
      ['seed'],
      'a seed must be an integer, got null. Give one.',
      'seed: a seed must be an integer, got null. Give one',
    ],
  ])('%s at %j', (code, path, message, text) => {
    expect(describeSchemaError({ issues: [{ code, path, message }] }, document)).toBe(text);
  });

  test('a document of another kind, shortened', () => {
    const issue = {
      code: 'invalid_type',
      path: [],
      message: 'Invalid input: expected object, received array',
    };
    const text = describeSchemaError({ issues: [issue] }, new Array(100).fill(7));
    expect(text).toMatch(/^the document: expected object, got \[7,7,.*\.\.\.$/);
    expect(text.length).toBeLessThan(100);
  });
});
