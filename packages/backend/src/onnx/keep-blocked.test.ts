import { describe, expect, test } from '@jest/globals';

import { afterPass, lineOf } from '../../test/graph-lines.js';
import { BLOCKED_DOMAIN } from './model-writer.js';
import { keepBlocked } from './keep-blocked.js';
import { FloatAttribute, type Attribute } from './model-writer.js';

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

/** A ConvNeXt block between blocked convolutions: shapes of its values, of 2 x 6 x 6 pixels with 16 and 64 channels. */
const SHAPES: Record<string, readonly number[]> = {
  ...Object.fromEntries(['n', 'd', 'q', 'y', 'z', 'g', 'f'].map((name) => [name, ROWS])),
  ...Object.fromEntries(['r', 'o', 'p'].map((name) => [name, [72, 16]])),
  ...Object.fromEntries(['h', 'b', 'a'].map((name) => [name, [72, 64]])),
  w: [16, 64],
  v: [64, 16],
  wide: [64],
  narrow: [16],
  ones16: [16],
  half: [],
  mean: [2, 6, 6, 1],
};

interface Converted {
  readonly lines: string[];
  readonly constants: ReadonlyMap<string, Float32Array>;
}

/** The nodes after the pass; capital letters are blocked. */
function converted(lines: readonly string[], results: readonly string[], weights?: Float32Array): Converted {
  const { nodes, constants } = afterPass(keepBlocked, {
    lines,
    results,
    domains: DOMAINS,
    shapeOf: (name) => (/^[A-Z]$/.test(name) ? PLANES : (SHAPES[name] ?? [4])),
    dataOf: (name) => (name === 'w' || name === 'v' ? weights : undefined),
    attributesOf: ({ type }): Record<string, Attribute> => {
      if (type === 'LayerNormalization') return { axis: -1, epsilon: new FloatAttribute(0.001) };
      return { channels_last: 1 };
    },
  });
  return { lines: nodes.map(lineOf), constants };
}

const ENTRY = ['x = ReorderOutput X'];
const EXIT = ['Y = ReorderInput y', 'Z = Conv Y'];

describe('keepBlocked with products and normalisation', () => {
  SHAPES.x = ROWS;
  const known = new Float32Array(16 * 64);

  test('makes products convolutions of 1x1 pixels that add biases and residuals', () => {
    const mlp = ['r = Reshape x', 'h = MatMul r w', 'b = Add h wide', 'a = Relu b', 'o = MatMul a v'];
    const lines = [...ENTRY, ...mlp, 'p = Add o narrow', 'q = Reshape p', 'y = Add x q', ...EXIT];
    expect(converted(lines, ['Z'], known).lines).toEqual([
      'new0 = Conv X constant0 wide',
      'new1 = Relu new0',
      'new2 = Conv new1 constant1 narrow X',
      'Z = Conv new2',
    ]);
  });

  test('leaves a sum alone where something else reads the product', () => {
    const lines = [
      ...ENTRY,
      'r = Reshape x',
      'h = MatMul r w',
      'a = Relu h',
      'o = MatMul a v',
      'q = Reshape o',
    ];
    const sums = ['g = Add x q', 'f = Relu q', 'y = Mul g f'];
    expect(converted([...lines, ...sums, ...EXIT], ['Z'], known).lines).toContain('new3 = Add X new2');
  });

  test('lays weights out when they are known, and has them rearranged when not', () => {
    const lines = [
      ...ENTRY,
      'r = Reshape x',
      'h = MatMul r w',
      'a = Relu h',
      'o = MatMul a v',
      'y = Reshape o',
      ...EXIT,
    ];
    const numbers = Float32Array.from({ length: 16 * 64 }, (_, i) => i);
    const { constants } = converted(lines, ['Z'], numbers);
    const [first, second] = [...constants.values()];
    // [16, 64] as [4, 16, 16]: the first block of columns, row by row; [64, 16] as it is.
    expect([...first.slice(14, 18)]).toEqual([14, 15, 64, 65]);
    expect([...second.slice(14, 18)]).toEqual([14, 15, 16, 17]);
    const rearranged = converted(lines, ['Z']).lines;
    expect(rearranged.slice(0, 4)).toEqual([
      'new0 = Reshape w [1,16,1,64]',
      'new1 = ReorderInput new0',
      'new2 = Reshape new1 [64,16,1,1]',
      'new3 = Conv X new2',
    ]);
  });

  test('takes means over the channels as convolutions that fill a block, and normalises with them', () => {
    const lines = [...ENTRY, 'y = LayerNormalization x ones16', ...EXIT];
    expect(converted(lines, ['Z']).lines).toEqual([
      'new0 = Conv X [16,16,1,1]of0.0625',
      'new1 = Reshape X [2,1,576]',
      'new2 = Reshape new0 [2,1,576]',
      'new3 = Sub new1 new2',
      'new4 = Mul new3 new3',
      'new5 = Reshape new4 [2,16,6,6]',
      'new6 = Conv new5 [16,16,1,1]of0.0625',
      'new7 = Reshape new6 [2,1,576]',
      'new8 = Add new7 0.001',
      'new9 = Sqrt new8',
      'new10 = Reciprocal new9',
      'new11 = Mul new3 new10',
      'new12 = Reshape new11 [2,16,6,6]',
      'Z = Conv new12',
    ]);
  });

  test('spreads vectors over the pixels', () => {
    const lines = [...ENTRY, 'g = Relu x', 'd = Mul g narrow', 'y = Relu d', ...EXIT];
    expect(converted(lines, ['Z']).lines).toEqual([
      'new0 = Relu X',
      'new1 = Reshape new0 [2,1,576]',
      'new2 = Reshape narrow [1,1,16]',
      'new3 = Expand new2 [1,36,16]',
      'new4 = Reshape new3 [1,576]',
      'new5 = Mul new1 new4',
      'new6 = Relu new5',
      'new7 = Reshape new6 [2,16,6,6]',
      'Z = Conv new7',
    ]);
  });

  test('leaves products and sums with vectors at the border in rows', () => {
    const before = ['s = Softmax x', 'g = Add s narrow', 'f = Relu g'];
    SHAPES.s = ROWS;
    const lines = [...ENTRY, ...before, 'y = Mul x f', ...EXIT, 'D = ReorderInput f', 'E = Conv D'];
    expect(converted(lines, ['Z', 'E']).lines.slice(0, 4)).toEqual([
      'x = ReorderOutput X',
      's = Softmax x',
      'g = Add s narrow',
      'new0 = ReorderInput g',
    ]);
  });

  test('brings a value back to rows where it is the second factor of a product', () => {
    SHAPES.e = [16, 72];
    SHAPES.k = [16, 16];
    const lines = [...ENTRY, 'g = Relu x', 'p = Reshape g', 'k = MatMul e p', 'y = Relu g', ...EXIT];
    const { lines: after } = converted(
      [...lines, 'd = Relu g', 'D = ReorderInput d', 'E = Conv D'],
      ['Z', 'k', 'E'],
    );
    expect(after).toContain('k = MatMul e p');
    expect(after).toContain('new0 = Relu X');
  });
});
