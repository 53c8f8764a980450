import { describe, expect, test } from '@jest/globals';

import { Xoshiro128, type Xoshiro128Scrambler } from './xoshiro128.js';

function words(generator: Xoshiro128, count: number): number[] {
  const block = new Uint32Array(count);
  generator.fill(block);
  return [...block];
}

describe('Xoshiro128', () => {
  // The first words of the authors' xoshiro128plusplus.c and xoshiro128starstar.c (version 1.1) from the state 1, 2, 3, 4.
  test.each<[Xoshiro128Scrambler, number[]]>([
    [
      '++',
      [
        641, 1573767, 3222811527, 3517856514, 836907274, 4247214768, 3867114732, 1355841295, 495546011,
        621204420,
      ],
    ],
    [
      '**',
      [11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804],
    ],
  ])('%s gives the known answers', (scrambler, known) => {
    expect(words(new Xoshiro128([1, 2, 3, 4], scrambler), known.length)).toEqual(known);
  });

  test.each<Xoshiro128Scrambler>(['++', '**'])(
    '%s goes on where it stopped, block for block',
    (scrambler) => {
      const state = [0xdeadbeef, 0, 7, 0xffffffff];
      const whole = words(new Xoshiro128(state, scrambler), 100);
      const generator = new Xoshiro128(state, scrambler);
      expect([1, 30, 0, 69].flatMap((count) => words(generator, count))).toEqual(whole);
    },
  );

  test('leaves the rest of the block alone', () => {
    const block = new Uint32Array(4).fill(9);
    new Xoshiro128([1, 2, 3, 4], '++').fill(block, 2);
    expect([...block]).toEqual([641, 1573767, 9, 9]);
  });
});
