import { describe, expect, test } from '@jest/globals';

import { afterPass, lineOf } from '../../test/graph-lines.js';
import { chunkChannels } from './chunk-channels.js';
import { BLOCKED_DOMAIN } from './model-writer.js';

/** An image of 64 x 64 pixels, the wide values of 6 MiB: 128 channels are a part. */
const SIDE = 64;
const NARROW = 32;
const WIDE = 384;

/** An MLP: a convolution of 1x1 pixels that widens, an activation, one that narrows and adds a bias and a residual. */
const MLP = ['h = Conv x w bias', 'h1 = Tanh h', 'h2 = Mul h h1', 'h3 = Mul h2 half', 'y = Conv h3 v b x'];

/** h... are wide, the rest is narrow. */
function chunked(lines: readonly string[], { results = ['y'], isKnown = true, side = SIDE } = {}) {
  const shapes: Record<string, readonly number[]> = {
    w: [WIDE, NARROW, 1, 1],
    v: [NARROW, WIDE, 1, 1],
    d: [WIDE, 1, 7, 7],
    bias: [WIDE],
    b: [NARROW],
    half: [],
    r: [1, SIDE, SIDE, WIDE],
  };
  const weights = Float32Array.from({ length: NARROW * WIDE }, (_, i) => i);
  return afterPass(chunkChannels, {
    lines,
    results,
    domains: { Conv: BLOCKED_DOMAIN },
    shapeOf: (name) => shapes[name] ?? [1, name.startsWith('h') ? WIDE : NARROW, side, side],
    dataOf: (name) => (isKnown && 'wv'.includes(name) ? weights : undefined),
    attributesOf: () => ({ group: 1 }),
  });
}

describe('chunkChannels', () => {
  test('does the hidden channels of an MLP part by part', () => {
    const { nodes, values } = chunked(MLP);
    const ofType = (type: string) => nodes.filter((node) => node.type === type);
    expect(ofType('Tanh')).toHaveLength(3);
    expect(ofType('Mul')).toHaveLength(6);
    expect(ofType('Slice').map(({ inputs }) => inputs.slice(0, 3))).toEqual([
      ['bias', '[0]', '[128]'],
      ['bias', '[128]', '[256]'],
      ['bias', '[256]', '[384]'],
    ]);
    for (const { outputs } of ofType('Tanh'))
      expect(values.get(outputs[0])!.shape).toEqual([1, 128, SIDE, SIDE]);
  });

  test('adds up in the order of a single convolution: the residual first, the bias last', () => {
    const { nodes } = chunked(MLP);
    const sums = nodes.filter(({ type }) => type === 'Conv').slice(3);
    expect(sums.map(({ inputs }) => inputs.slice(2))).toEqual([
      ['', 'x'],
      ['', sums[0].outputs[0]],
      ['b', sums[1].outputs[0]],
    ]);
    expect(sums[2].outputs).toEqual(['y']);
  });

  test('takes weights apart by blocks of their outputs and inputs', () => {
    const { constants } = chunked(MLP);
    const parts = [...constants.values()];
    expect(parts).toHaveLength(6);
    // [384, 32]: the outputs from 128 on; [32, 384] in blocks [2, 24, 16 x 16]: the inputs from 128 on, of each block of outputs.
    expect([parts[1].length, parts[1][0]]).toEqual([128 * NARROW, 128 * NARROW]);
    expect([parts[4].length, parts[4][0], parts[4][16 * 128]]).toEqual([
      NARROW * 128,
      16 * 128,
      16 * (384 + 128),
    ]);
  });

  test('adds nothing where there is neither residual nor bias', () => {
    const { nodes } = chunked(['h = Conv x w', 'h1 = Relu h', 'y = Conv h1 v']);
    const convolutions = nodes.filter(({ type }) => type === 'Conv');
    expect(convolutions.map(({ inputs }) => inputs.length)).toEqual([2, 2, 2, 2, 4, 4]);
  });

  test.each([
    ['small values stay in the cache anyway', MLP, { side: 32 }],
    ['the weights are not known', MLP, { isKnown: false }],
    ['a wide value is a result', MLP, { results: ['y', 'h2'] }],
    ['something else reads a wide value', [...MLP, 'r = ReorderOutput h2'], { results: ['y', 'r'] }],
    ['a wide value comes from elsewhere', ['k = Conv x w', 'h1 = Add h k', 'y = Conv h1 v'], {}],
  ])('changes nothing where %s', (_, lines, options) => {
    expect(chunked(lines, options).nodes.map(lineOf)).toEqual(lines);
  });
});
