import { describe, expect, test } from '@jest/globals';

import { fuseGelu } from './fuse-gelu.js';
import { MICROSOFT_DOMAIN } from './graph-builder.js';
import type { GraphNode } from './model-writer.js';

/** The nodes of x Phi(x), and others that read its parts. */
function fused(others: readonly string[], kept: readonly string[] = ['y']): string[] {
  const lines = ['t = Mul x root', 'e = Erf t', 'c = HardSigmoid e', 'y = Mul x c', ...others];
  const nodes = lines.map((line): GraphNode => {
    const [output, type, ...inputs] = line.split(/[ =]+/);
    return { name: output, type, domain: '', inputs, outputs: [output], attributes: {} };
  });
  return fuseGelu(nodes, new Set(kept)).map(
    ({ type, domain, inputs, outputs }) =>
      `${outputs[0]} = ${domain === MICROSOFT_DOMAIN ? 'fused ' : ''}${type} ${inputs.join(' ')}`,
  );
}

describe('fuseGelu', () => {
  test('makes one operator of the parts where nothing else reads them', () => {
    expect(fused(['z = Mul y x'], ['z'])).toEqual(['y = fused Gelu x', 'z = Mul y x']);
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
