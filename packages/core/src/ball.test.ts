import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { createBall, perturbationNorm } from './ball.js';
import { NORM_NAMES } from './norm-name.js';
import { cornerStart, randomStart } from './random-start.js';
import { randomStream } from './random.js';

const radius = { Linf: 0.1, L2: 0.8, L1: 2 };

/** An image with pixels on the borders of the box, and a point outside the ball. */
function example(seed: number, size: number, scale: number) {
  const stream = randomStream(seed, 'ball');
  const center = stream.uniforms(size).map((value) => (value < 0.2 ? 0 : value > 0.8 ? 1 : value));
  const point = center.map((value) => value + scale * stream.normal());
  return { center, point };
}

describe.each(NORM_NAMES)('ball in %s', (norm) => {
  const eps = radius[norm];

  test('a projected point is in the ball and the box exactly as checked in float32', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0.01, max: 3, noNaN: true }),
        (seed, size, scale) => {
          const { center, point } = example(seed, size, scale);
          const ball = createBall(norm, center, eps);
          ball.project(point);
          expect(ball.contains(point)).toBe(true);
          expect(Math.fround(perturbationNorm(norm, center, point))).toBeLessThanOrEqual(Math.fround(eps));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('a point of the ball stays where it is', () => {
    const { center } = example(5, 40, 0);
    const ball = createBall(norm, center, eps);
    const inside = center.map((value, i) => Math.min(1, Math.max(0, value + (i % 2 ? 0.01 : -0.01))));
    const point = inside.slice();
    ball.project(point);
    point.forEach((value, i) => expect(value).toBeCloseTo(inside[i], 6));
  });

  test('random starts are in the ball, differ by stream and repeat by seed', () => {
    const { center } = example(7, 50, 0);
    const ball = createBall(norm, center, eps);
    const starts = [1, 1, 2].map((seed) => randomStart(ball, randomStream(seed, 'start')));
    expect(starts[0]).toEqual(starts[1]);
    expect(starts[0]).not.toEqual(starts[2]);
    for (const start of starts) expect(ball.contains(start)).toBe(true);
  });

  test('corner starts are in the ball; in Linf only the box shortens a component', () => {
    const { center } = example(7, 50, 0);
    const ball = createBall(norm, center, eps);
    const [start, again] = [1, 1].map((seed) => cornerStart(ball, randomStream(seed, 'start')));
    expect(start).toEqual(again);
    expect(ball.contains(start)).toBe(true);
    if (norm !== 'Linf') return;
    start.forEach((value, i) => {
      const atBox = value === 0 || value === 1;
      expect(atBox || Math.abs(Math.abs(value - center[i]) - eps) < 1e-6).toBe(true);
    });
  });

  test('contains refuses points outside the ball, outside the box, and NaN', () => {
    const center = Float32Array.of(0.5, 0.5, 0);
    const ball = createBall(norm, center, 0.2);
    expect(ball.contains(center)).toBe(true);
    expect(ball.contains([0.5, 0.71, 0])).toBe(false);
    expect(ball.contains([0.5, 0.5, -1e-6])).toBe(false);
    expect(ball.contains([NaN, 0.5, 0])).toBe(false);
  });
});

test('the L1 projection is the nearest point: no feasible point of a random sample is nearer', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 2, max: 12 }), (seed, size) => {
      const { center, point } = example(seed, size, 0.7);
      const ball = createBall('L1', center, 0.5);
      const projected = point.slice();
      ball.project(projected);
      const distance = perturbationNorm('L2', point, projected);
      const stream = randomStream(seed, 'feasible');
      for (let trial = 0; trial < 50; trial++) {
        const other = projected.map((value) => value + 0.05 * stream.normal());
        ball.project(other);
        expect(perturbationNorm('L2', point, other)).toBeGreaterThanOrEqual(distance - 1e-5);
      }
    }),
    { numRuns: 60 },
  );
});
