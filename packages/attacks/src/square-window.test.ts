import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { golden } from '../test/golden.js';
import { bump, startTiles, windowFraction, windowPattern, windowSide } from './square-window.js';

const square = golden('06_square');

interface Stage {
  from_iter_0based: number;
  p: number;
  s_linf: Record<string, number>;
  s_l2_l1: Record<string, number>;
}
const schedules = square.params.p_schedule as Record<string, Stage[]>;

describe('the schedule of window sizes equals the reference', () => {
  test.each([
    ['autoattack_no_rescale_5000', (step: number) => step],
    ['class_default_rescaled_5000', (step: number) => Math.trunc((step / 5000) * 10_000)],
    ['class_default_rescaled_1000', (step: number) => Math.trunc((step / 1000) * 10_000)],
  ])('%s', (name, rescale) => {
    const stages = schedules[name];
    const steps = name.endsWith('1000') ? 1000 : 5000;
    for (let step = 0; step < steps; step++) {
      const stage = stages.findLast(({ from_iter_0based: from }) => step >= from) as Stage;
      const fraction = windowFraction(0.8, rescale(step));
      expect(fraction).toBe(stage.p);
    }
    for (const { p, s_linf, s_l2_l1 } of stages) {
      for (const size of Object.keys(s_linf)) {
        expect(windowSide('Linf', p, Number(size), Number(size))).toBe(s_linf[size]);
        expect(windowSide('L2', p, Number(size), Number(size))).toBe(s_l2_l1[size]);
        expect(windowSide('L1', p, Number(size), Number(size))).toBe(s_l2_l1[size]);
      }
    }
  });

  test('a window fits into every image', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), (height, width) => {
        for (const norm of ['Linf', 'L2', 'L1'] as const) {
          const side = windowSide(norm, 0.8, height, width);
          expect(side).toBeGreaterThanOrEqual(1);
          expect(side).toBeLessThanOrEqual(Math.min(height, width));
        }
      }),
    );
  });
});

describe.each(['L2', 'L1'] as const)('the %s pattern equals the reference', (norm) => {
  test.each([3, 4, 5, 6, 7, 8, 9])('side %i', (side) => {
    const expected = square.floats(`eta_${norm}_${side}`);
    windowPattern(norm, side).forEach((value, i) => expect(Math.abs(value - expected[i])).toBeLessThan(1e-6));
  });

  test.each([
    [1, 3],
    [2, 3],
    [2, 5],
    [3, 5],
    [4, 9],
    [5, 9],
  ])('bump of %i x %i', (rows, columns) => {
    const expected = square.floats(`rect_${norm}_${rows}x${columns}`);
    bump(norm, rows, columns).forEach((value, i) => expect(Math.abs(value - expected[i])).toBeLessThan(1e-6));
  });

  test('side 1 is a single pixel', () => {
    expect([...windowPattern(norm, 1)]).toEqual([-1]);
  });
});

describe('startTiles', () => {
  const expected = square.params.init_l2_l1 as Record<
    string,
    { s: number; first_offset: number; tiles_per_side_loop: number }
  >;
  test.each(Object.keys(expected))('equals the reference on %s x %s pixels', (size) => {
    const { side, first, rows, columns } = startTiles(Number(size), Number(size));
    const { s, first_offset, tiles_per_side_loop } = expected[size];
    expect({ side, first, rows, columns }).toEqual({
      side: s,
      first: first_offset,
      rows: tiles_per_side_loop,
      columns: tiles_per_side_loop,
    });
  });

  test('images of 1 x 1 and 3 x 50 pixels have tiles, too', () => {
    expect(startTiles(1, 1)).toEqual({ side: 1, first: 0, rows: 1, columns: 1 });
    expect(startTiles(3, 50)).toEqual({ side: 1, first: 0, rows: 3, columns: 50 });
  });
});
