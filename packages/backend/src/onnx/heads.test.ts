import { describe, expect, test } from '@jest/globals';

import { afterPass, lineOf } from '../../test/graph-lines.js';
import { keepBlocked } from './keep-blocked.js';
import { BLOCKED_DOMAIN, type Attribute } from './model-writer.js';

/** Two images of 40 tokens with 32 channels, 2 heads of 16. */
const SHAPES: Record<string, readonly number[]> = {
  X: [2, 32, 1, 40],
  ...Object.fromEntries(['x', 'a', 'y'].map((name) => [name, [2, 1, 40, 32]])),
  ...Object.fromEntries(['r', 'o', 'g'].map((name) => [name, [80, 32]])),
  ...Object.fromEntries(['h', 'b', 'e'].map((name) => [name, [80, 96]])),
  t: [2, 40, 3, 2, 16],
  u: [3, 2, 2, 40, 16],
  ...Object.fromEntries(['q', 'k', 'v'].map((name) => [name, [1, 2, 2, 40, 16]])),
  f: [2, 2, 40, 16],
  m: [2, 40, 2, 16],
  w: [32, 96],
  p: [32, 32],
  i: [96, 32],
  bias: [96],
};
const PERMS: Record<string, number[]> = { u: [2, 0, 3, 1, 4], t: [1, 3, 0, 2, 4], m: [0, 2, 1, 3] };
const INTEGERS: Record<string, bigint> = { zero: 0n, one: 1n, two: 2n, three: 3n };

/** The nodes after keepBlocked. */
function blocked(lines: readonly string[], results: readonly string[]): string[] {
  const { nodes } = afterPass(keepBlocked, {
    lines,
    results,
    domains: { ReorderInput: BLOCKED_DOMAIN, ReorderOutput: BLOCKED_DOMAIN, Conv: BLOCKED_DOMAIN },
    shapeOf: (name) => SHAPES[name] ?? [1],
    dataOf: (name) => (name in INTEGERS ? BigInt64Array.of(INTEGERS[name]) : undefined),
    attributesOf: ({ type, outputs: [output] }): Record<string, Attribute> => {
      if (type === 'Transpose') return { perm: PERMS[output] };
      return type === 'Concat' ? { axis: 0 } : { channels_last: 1 };
    },
  });
  return nodes.map(lineOf).filter((line) => !/= (Reshape|ReorderInput) [wpi]|= Slice new\d+ \[/.test(line));
}

const QKV = [
  'x = ReorderOutput X',
  'a = Relu x',
  'r = Reshape a',
  'h = MatMul r w',
  'b = Add h bias',
  't = Reshape b',
  'u = Transpose t',
];
const SLICES = ['q = Slice u zero one zero', 'k = Slice u one two zero', 'v = Slice u two three zero'];
const convolutions = (lines: readonly string[]) => lines.filter((line) => line.includes('= Conv'));

describe('heads', () => {
  test('come out of blocks as they are, a convolution for each part that is sliced', () => {
    const after = blocked(
      [...QKV, ...SLICES, 's = Softmax q', 'S = Softmax k', 'z = Softmax v'],
      ['s', 'S', 'z'],
    );
    expect(after.filter((line) => /Transpose|MatMul|Add/.test(line))).toEqual([]);
    expect(convolutions(after).map((line) => line.split(' ')[3])).toEqual(['new0', 'new0', 'new0']);
    expect(after.filter((line) => line.includes('ReorderOutput'))).toHaveLength(3);
    expect(after.at(-1)).toMatch(/^z = Softmax new\d+$/);
  });

  test('come out of one convolution where they are not sliced', () => {
    const after = blocked([...QKV, 's = Softmax u'], ['s']);
    expect(convolutions(after)).toHaveLength(1);
    expect(after.filter((line) => line.includes('ReorderOutput'))).toHaveLength(1);
    // [2, 3, 2, 40, 16] -> [3, 2, 2, 40, 16]
    expect(after.filter((line) => line.includes('Transpose'))).toHaveLength(1);
  });

  test('go into blocks as they are, those of several parts into a sum of convolutions', () => {
    const lines = ['u = Concat q k v', 't = Transpose u', 'e = Reshape t', 'o = MatMul e i', 'y = Reshape o'];
    const after = blocked([...lines, 'Y = ReorderInput y', 'Z = Conv Y'], ['Z']);
    expect(after.filter((line) => /Transpose|MatMul|Concat/.test(line))).toEqual([]);
    const sums = convolutions(after).slice(0, 3);
    expect(sums[1].split(' ').at(-1)).toBe(sums[0].split(' ')[0]);
    expect(sums[2].split(' ').at(-1)).toBe(sums[1].split(' ')[0]);
  });

  test('of one part go into one convolution', () => {
    const lines = ['m = Transpose f', 'r = Reshape m', 'o = MatMul r p', 'y = Reshape o'];
    const after = blocked([...lines, 'Y = ReorderInput y', 'Z = Conv Y'], ['Z']);
    expect(after.filter((line) => /Transpose|MatMul/.test(line))).toEqual([]);
    expect(convolutions(after)).toHaveLength(2);
  });

  test.each([
    ['results of the graph', [...QKV, 's = Softmax u'], ['s', 'u']],
    ['tokens that something else reads', [...QKV, 's = Softmax u', 'S = Softmax t'], ['s', 'S']],
  ])('are left alone if they are %s', (_, lines, results) => {
    expect(blocked(lines, results)).toContain('u = Transpose t');
  });
});
