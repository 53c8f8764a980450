import { describe, expect, test } from '@jest/globals';

import { BLOCKED_DOMAIN, type Value } from './graph-builder.js';
import { keepBlocked } from './keep-blocked.js';
import type { GraphNode } from './model-writer.js';

const ROWS = [2, 6, 6, 16];
const PLANES = [2, 16, 6, 6];

/** Nodes from lines such as "y = Gelu x", values in rows unless named otherwise; gives the lines of the nodes after the pass. */
function afterPass(
  lines: readonly string[],
  results: readonly string[],
  planes: readonly string[] = [],
): string[] {
  const values = new Map<string, Value>();
  const add = (name: string, shape: readonly number[]): Value => {
    const value: Value = { name, dtype: 'float32', shape };
    values.set(name, value);
    return value;
  };
  const nodes = lines.map((line): GraphNode => {
    const [output, type, ...inputs] = line.split(/[ =]+/);
    for (const name of [output, ...inputs])
      if (!values.has(name)) add(name, name === 'half' ? [] : planes.includes(name) ? PLANES : ROWS);
    const isReorder = type.startsWith('Reorder') || type === 'Conv';
    const perm = planes.includes(output) ? [0, 3, 1, 2] : [0, 2, 3, 1];
    const attributes: GraphNode['attributes'] = type === 'Transpose' ? { perm } : { channels_last: 1 };
    return {
      name: output,
      type,
      domain: isReorder ? BLOCKED_DOMAIN : '',
      inputs,
      outputs: [output],
      attributes,
    };
  });
  let added = 0;
  const newValue = (shape: readonly number[]) => add(`new${added++}`, shape);
  const kept = new Set(results);
  return keepBlocked(nodes, { values, kept, block: 16, newValue }).map(
    ({ type, inputs, outputs, attributes }) =>
      `${outputs[0]} = ${type}${attributes.channels_last === 0 ? ' of planes' : ''} ${inputs.join(' ')}`,
  );
}

const BLOCKED = ['a', 'A', 'c', 'd', 'p', 'q'];

describe('keepBlocked', () => {
  test('leaves no change of layout between two convolutions', () => {
    const lines = ['b = ReorderOutput a', 'e = Gelu b', 'f = Mul e half', 'c = ReorderInput f', 'd = Conv c'];
    expect(afterPass([...lines, 'r = ReorderOutput d'], ['r'], BLOCKED)).toEqual([
      'new0 = Gelu a',
      'new1 = Mul new0 half',
      'd = Conv new1',
      'r = ReorderOutput d',
    ]);
  });

  test('reorders a value once where rows are wanted as well', () => {
    const lines = ['b = ReorderOutput a', 'e = Gelu b', 'c = ReorderInput e', 'd = Conv c', 's = Softmax e'];
    expect(afterPass(lines, ['s', 'd'], BLOCKED)).toEqual([
      'new0 = Gelu a',
      'e = ReorderOutput new0',
      'd = Conv new0',
      's = Softmax e',
    ]);
  });

  test('goes from blocks to planes and back at once', () => {
    const lines = ['b = ReorderOutput a', 'e = Gelu b', 'p = Transpose e', 's = Softmax p'];
    expect(afterPass(lines, ['s'], BLOCKED)).toEqual([
      'new0 = Gelu a',
      'new1 = ReorderOutput of planes new0',
      's = Softmax new1',
    ]);
    const back = ['s = Softmax p', 'e = Transpose p', 'f = Gelu e', 'c = ReorderInput f', 'd = Conv c'];
    expect(afterPass(back, ['d', 's'], BLOCKED)).toEqual([
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
    expect(afterPass(lines, results, BLOCKED)).toEqual(lines);
  });

  test('leaves results of the graph as they are', () => {
    const lines = ['b = ReorderOutput a', 'e = Gelu b', 'c = ReorderInput e', 'd = Conv c'];
    expect(afterPass(lines, ['e', 'd'], BLOCKED)).toContain('e = ReorderOutput new0');
  });
});
