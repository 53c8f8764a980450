import { describe, expect, test } from '@jest/globals';

import { afterPass, lineOf } from '../../test/graph-lines.js';
import { fuseGelu } from './fuse-gelu.js';
import { MICROSOFT_DOMAIN } from './model-writer.js';

/** What becomes of the nodes of x Phi(x), and of others that read its parts. */
function fused(others: readonly string[], results: readonly string[] = ['y']): string[] {
  const gelu = ['t = Mul x root', 'e = Erf t', 'c = HardSigmoid e', 'y = Mul x c'];
  const { nodes } = afterPass(fuseGelu, { lines: [...gelu, ...others], results, shapeOf: () => [] });
  expect(nodes.every(({ type, domain }) => (type === 'Gelu') === (domain === MICROSOFT_DOMAIN))).toBe(true);
  return nodes.map(lineOf);
}

describe('fuseGelu', () => {
  test('makes one operator of the parts where nothing else reads them', () => {
    expect(fused(['z = Mul y x'], ['z'])).toEqual(['y = Gelu x', 'z = Mul y x']);
  });

  test.each([
    ['x / sqrt 2', 's = Mul t t'],
    ['erf', 's = Neg e'],
    ['Phi(x)', 's = Add c t'],
  ])('leaves the parts where something else reads %s', (_, reader) => {
    expect(fused([reader], ['y', 's'])).toHaveLength(5);
  });

  test('leaves parts that are results', () => {
    expect(fused([], ['y', 'c'])).toHaveLength(4);
  });

  test('leaves another factor than that of x itself', () => {
    expect(fused(['w = Mul v c'], ['w'])).toContain('w = Mul v c');
  });
});
