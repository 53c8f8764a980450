import { describe, expect, test } from '@jest/globals';

import { afterPass, lineOf } from '../../test/graph-lines.js';
import { BLOCKED_DOMAIN } from './graph-builder.js';
import { keepBlocked } from './keep-blocked.js';
import type { Attribute } from './model-writer.js';

const ROWS = [2, 6, 6, 16];
const PLANES = [2, 16, 6, 6];
const DOMAINS = { ReorderInput: BLOCKED_DOMAIN, ReorderOutput: BLOCKED_DOMAIN, Conv: BLOCKED_DOMAIN };

/** The nodes after the pass; values are in rows unless they are named in `planes`, which holds the blocked ones, too. */
function blocked(
  lines: readonly string[],
  results: readonly string[],
  planes: readonly string[] = [],
): string[] {
  const { nodes } = afterPass(keepBlocked, {
    lines,
    results,
    domains: DOMAINS,
    shapeOf: (name) => (name === 'half' ? [] : planes.includes(name) ? PLANES : ROWS),
    attributesOf: ({ type, outputs: [output] }): Record<string, Attribute> =>
      type === 'Transpose'
        ? { perm: planes.includes(output) ? [0, 3, 1, 2] : [0, 2, 3, 1] }
        : { channels_last: 1 },
  });
  return nodes.map((node) =>
    node.attributes.channels_last === 0 ? lineOf({ ...node, type: `${node.type} of planes` }) : lineOf(node),
  );
}

const BLOCKED = ['a', 'A', 'c', 'd', 'p', 'q'];

describe('keepBlocked', () => {
  test('leaves no change of layout between two convolutions', () => {
    const lines = ['b = ReorderOutput a', 'e = Gelu b', 'f = Mul e half', 'c = ReorderInput f', 'd = Conv c'];
    expect(blocked([...lines, 'r = ReorderOutput d'], ['r'], BLOCKED)).toEqual([
      'new0 = Gelu a',
      'new1 = Mul new0 half',
      'd = Conv new1',
      'r = ReorderOutput d',
    ]);
  });

  test('reorders a value once where rows are wanted as well', () => {
    const lines = ['b = ReorderOutput a', 'e = Gelu b', 'c = ReorderInput e', 'd = Conv c', 's = Softmax e'];
    expect(blocked(lines, ['s', 'd'], BLOCKED)).toEqual([
      'new0 = Gelu a',
      'e = ReorderOutput new0',
      'd = Conv new0',
      's = Softmax e',
    ]);
  });

  test('goes from blocks to planes and back at once', () => {
    const lines = ['b = ReorderOutput a', 'e = Gelu b', 'p = Transpose e', 's = Softmax p'];
    expect(blocked(lines, ['s'], BLOCKED)).toEqual([
      'new0 = Gelu a',
      'new1 = ReorderOutput of planes new0',
      's = Softmax new1',
    ]);
    const back = ['s = Softmax p', 'e = Transpose p', 'f = Gelu e', 'c = ReorderInput f', 'd = Conv c'];
    expect(blocked(back, ['d', 's'], BLOCKED)).toEqual([
      's = Softmax p',
      'new0 = ReorderInput of planes p',
      'new1 = Gelu new0',
      'd = Conv new1',
    ]);
  });

  test.each([
    ['where nothing is gained', ['b = ReorderOutput a', 'e = Gelu b', 's = Softmax e'], ['s']],
    [
      'at an operation on whole rows',
      ['b = ReorderOutput a', 's = Softmax b', 'c = ReorderInput s', 'd = Conv c'],
      ['d'],
    ],
    [
      'where another input would have to be reordered',
      ['b = ReorderOutput a', 'e = Add b x', 's = Softmax e'],
      ['s'],
    ],
  ])('changes nothing %s', (_name, lines, results) => {
    expect(blocked(lines, results, BLOCKED)).toEqual(lines);
  });

  test('leaves results of the graph as they are', () => {
    const lines = ['b = ReorderOutput a', 'e = Gelu b', 'c = ReorderInput e', 'd = Conv c'];
    expect(blocked(lines, ['e', 'd'], BLOCKED)).toContain('e = ReorderOutput new0');
  });
});
