import { describe, expect, test } from '@jest/globals';
import { NORM_NAMES, randomStream, type NormName } from '@revat/core';
import fc from 'fast-check';

import { golden } from '../test/golden.js';
import { fabMove } from './fab-move.js';

/** <normal, point> - offset */
function above(point: Float32Array, normal: Float32Array, offset: number): number {
  return point.reduce((sum, x, i) => sum + x * normal[i], -offset);
}

const cases = golden('02_projections');

/** The point moved onto the plane: a move that leaves the clean image out of account. */
function projected(norm: NormName, point: Float32Array, normal: Float32Array, aboveIt: number): Float32Array {
  const moved = point.slice();
  fabMove(moved, point, { normal, above: aboveIt }, { norm, alphaMax: 0, overshoot: 1 });
  return moved;
}

/** Displacements of all rows of [N,D] arrays. */
function projectRows(norm: NormName, points: Float32Array, normals: Float32Array, offsets: Float32Array) {
  const size = points.length / offsets.length;
  const displacements = new Float32Array(points.length);
  offsets.forEach((offset, row) => {
    const range = [row * size, (row + 1) * size] as const;
    const [point, normal] = [points.subarray(...range), normals.subarray(...range)];
    const landed = projected(norm, point, normal, above(point, normal, offset));
    displacements.set(
      landed.map((value, i) => value - point[i]),
      range[0],
    );
  });
  return displacements;
}

function normOf(norm: NormName, values: Float32Array): number {
  if (norm === 'Linf') return values.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
  if (norm === 'L2') return Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
  return values.reduce((sum, v) => sum + Math.abs(v), 0);
}

describe.each(NORM_NAMES)('fabMove %s', (norm) => {
  test.each([
    ['fab_rand12', 1e-5],
    ['fab_edge12', 1e-5],
    ['fab_rand16', 1e-5],
    ['fab_rand4', 1e-5],
    ['fab_net768', 1e-4],
  ])('equals the reference on %s', (name, tolerance) => {
    const points = cases.floats(`${name}_t`);
    const expected = cases.floats(`${name}_${norm.toLowerCase()}`);
    const displacements = projectRows(norm, points, cases.floats(`${name}_w`), cases.floats(`${name}_b`));
    const worst = displacements.reduce((max, d, i) => Math.max(max, Math.abs(d - expected[i])), 0);
    expect(worst).toBeLessThan(tolerance);
  });

  test('stays in the box, reaches a plane that meets it, and nothing nearby is closer', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer(), (size, seed) => {
        const random = randomStream(seed, 'plane');
        const point = random.uniforms(size);
        const normal = random.normals(size);
        const inside = random.uniforms(size);
        const offset = inside.reduce((sum, z, i) => sum + z * normal[i], 0);
        const landed = projected(norm, point, normal, above(point, normal, offset));
        expect(Math.min(...landed)).toBeGreaterThan(-1e-6);
        expect(Math.max(...landed)).toBeLessThan(1 + 1e-6);
        const reached = landed.reduce((sum, z, i) => sum + z * normal[i], 0);
        expect(Math.abs(reached - offset)).toBeLessThan(1e-5 * size);
        const displacement = landed.map((z, i) => z - point[i]);
        const other = inside.map((z, i) => z - point[i]);
        expect(normOf(norm, displacement)).toBeLessThan(normOf(norm, other) + 1e-5);
      }),
      { numRuns: 200 },
    );
  });

  test('a plane out of reach: the nearest corner', () => {
    const landed = projected(norm, Float32Array.of(0.25, 0.5, 1), Float32Array.of(1, -2, 0.5), -100);
    expect([...landed]).toEqual([1, 0, 1]);
  });

  test('mixes the projections of the point and of the clean image by their lengths', () => {
    const [point, clean] = [Float32Array.of(0.5, 0.4, 0.25), Float32Array.of(0.5, 0.5, 0.5)];
    const plane = { normal: Float32Array.of(1, 0.5, -0.25), above: 0.25 };
    const cleanAbove = plane.above + 0.5 * 0.1 - 0.25 * 0.25;
    const [near, far] = [
      [point, plane.above],
      [clean, cleanAbove],
    ].map(([from, height]) => {
      const start = from as Float32Array;
      return projected(norm, start, plane.normal, height as number).map((z, i) => z - start[i]);
    });
    const share = normOf(norm, near) / (normOf(norm, near) + normOf(norm, far));
    for (const alphaMax of [0.1, 1]) {
      const moved = point.slice();
      fabMove(moved, clean, plane, { norm, alphaMax, overshoot: 1.05 });
      const alpha = Math.min(share, alphaMax);
      moved.forEach((value, i) => {
        const expected = (1 - alpha) * (point[i] + 1.05 * near[i]) + alpha * (clean[i] + 1.05 * far[i]);
        expect(value).toBeCloseTo(expected, 5);
      });
    }
  });

  test('numbers that are no numbers end, too', () => {
    for (const bad of [NaN, Infinity, -Infinity]) {
      const moving = () => projected(norm, Float32Array.of(0.5, 0.5), Float32Array.of(bad, 1), 0.1);
      expect(moving).not.toThrow();
    }
  });
});
