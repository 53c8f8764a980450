import { describe, expect, test } from '@jest/globals';

import { afterPass, lineOf } from '../../test/graph-lines.js';
import { chunkImages } from './chunk-images.js';
import { BLOCKED_DOMAIN, type Attribute } from './model-writer.js';

/** Images of 64 x 64 pixels, the wide values of 4 MiB each. */
const SIDE = 64;
const NARROW = 32;
const WIDE = 256;

/** A stage: a depthwise convolution, two of 1x1 pixels around an activation, the second with a residual. */
const STAGE = [
  'd = Conv x f',
  'h = Conv d w',
  'h1 = Tanh h',
  'h2 = Mul h h1',
  'a = Relu h2',
  'y = Conv a v bias x',
];

/** x, d, y and z are narrow, h and a wide, m has a number for every pixel in lanes, s another height and width. */
function chunked(lines: readonly string[], results: readonly string[] = ['y'], images = 4) {
  const shapes: Record<string, readonly number[]> = {
    f: [NARROW, 1, 7, 7],
    w: [WIDE, NARROW, 1, 1],
    v: [NARROW, WIDE, 1, 1],
    bias: [NARROW],
    ones: [1, NARROW / 16],
    shape: [3],
    l: [images, NARROW / 16, SIDE * SIDE * 16],
    m: [images, 1, SIDE * SIDE * 16],
    s: [images, NARROW, SIDE / 2, SIDE / 2],
    r: [images, SIDE, SIDE, NARROW],
  };
  return afterPass(chunkImages, {
    lines,
    results,
    domains: { Conv: BLOCKED_DOMAIN },
    shapeOf: (name) => shapes[name] ?? [images, 'ha'.includes(name[0]) ? WIDE : NARROW, SIDE, SIDE],
    attributesOf: (): Record<string, Attribute> => ({}),
  });
}

describe('chunkImages', () => {
  test('does a stage for one image after the other', () => {
    const { nodes, values } = chunked(STAGE);
    const lines = nodes.map(lineOf);
    expect(lines).toHaveLength(1 + 4 * STAGE.length + 1);
    const parts = nodes[0].outputs;
    expect(nodes[0].inputs).toEqual(['x', '[1,1,1,1]']);
    expect(nodes.slice(1, 5).map(({ inputs }) => inputs)).toEqual(parts.map((part) => [part, 'f']));
    const last = nodes.filter(({ type, inputs }) => type === 'Conv' && inputs[1] === 'v');
    expect(last.map(({ inputs }) => inputs.slice(1))).toEqual(parts.map((part) => ['v', 'bias', part]));
    expect(lines[lines.length - 1]).toBe(`y = Concat ${last.map(({ outputs }) => outputs[0]).join(' ')}`);
    expect(values.get(last[0].outputs[0])!.shape).toEqual([1, NARROW, SIDE, SIDE]);
  });

  test('takes values seen in lanes along, with means over the channels', () => {
    const { nodes } = chunked([...STAGE, 'l = Reshape y shape', 'm = MatMul ones l'], ['m']);
    const count = (type: string) => nodes.filter((node) => node.type === type).length;
    expect([count('Split'), count('Reshape'), count('MatMul'), count('Concat')]).toEqual([1, 4, 4, 1]);
    const reshape = nodes.find(({ type }) => type === 'Reshape')!;
    expect(reshape.inputs[1]).toBe(`[1,${NARROW / 16},${SIDE * SIDE * 16}]`);
  });

  test('joins what other nodes read, and splits it once', () => {
    const lines = [...STAGE, 'r = ReorderOutput y', 'p = Conv s g', 'z = Relu y'];
    const { nodes } = chunked(lines, ['r', 'p', 'z']);
    const count = (type: string) => nodes.filter((node) => node.type === type).length;
    expect(nodes.map(lineOf)).toContain('r = ReorderOutput y');
    expect([count('Split'), count('Concat')]).toEqual([1, 2]);
  });

  test('changes nothing where more is split and joined than spared', () => {
    const lines = [...STAGE.slice(0, 2), 'a = Relu h', ...STAGE.slice(-1)];
    expect(chunked([...lines, 'r = ReorderOutput d'], ['y', 'r']).nodes.map(lineOf)).toEqual([
      ...lines,
      'r = ReorderOutput d',
    ]);
  });

  test.each([
    ['small values stay in the cache anyway', STAGE, 2],
    ['there is one image', STAGE, 1],
  ])('changes nothing where %s', (_, lines, images) => {
    expect(chunked(lines, ['y'], images).nodes.map(lineOf)).toEqual(lines);
  });
});
