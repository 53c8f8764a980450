import { describe, expect, test } from '@jest/globals';
import { NORM_NAMES, randomStream, type NormName } from '@revat/core';
import fc from 'fast-check';

import { golden } from '../test/golden.js';
import { planeProjection } from './plane-projection.js';

/** <normal, point> - offset */
function above(point: Float32Array, normal: Float32Array, offset: number): number {
  return point.reduce((sum, x, i) => sum + x * normal[i], -offset);
}

const cases = golden('02_projections');

/** All rows of [N,D] arrays projected one by one. */
function projectRows(norm: NormName, points: Float32Array, normals: Float32Array, offsets: Float32Array) {
  const size = points.length / offsets.length;
  const project = planeProjection(norm, size);
  const displacements = new Float32Array(points.length);
  const norms = Array.from(offsets, (offset, row) => {
    const range = [row * size, (row + 1) * size] as const;
    const [point, normal] = [points.subarray(...range), normals.subarray(...range)];
    return project(point, normal, above(point, normal, offset), displacements.subarray(...range));
  });
  return { displacements, norms };
}

function normOf(norm: NormName, values: Float32Array): number {
  if (norm === 'Linf') return values.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
  if (norm === 'L2') return Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
  return values.reduce((sum, v) => sum + Math.abs(v), 0);
}

describe.each(NORM_NAMES)('planeProjection %s', (norm) => {
  test.each([
    ['fab_rand12', 1e-5],
    ['fab_edge12', 1e-5],
    ['fab_rand16', 1e-5],
    ['fab_rand4', 1e-5],
    ['fab_net768', 1e-4],
  ])('equals the reference on %s', (name, tolerance) => {
    const points = cases.floats(`${name}_t`);
    const expected = cases.floats(`${name}_${norm.toLowerCase()}`);
    const { displacements } = projectRows(norm, points, cases.floats(`${name}_w`), cases.floats(`${name}_b`));
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
        const displacement = new Float32Array(size);
        const length = planeProjection(norm, size)(point, normal, above(point, normal, offset), displacement);

        const landed = point.map((x, i) => x + displacement[i]);
        expect(Math.min(...landed)).toBeGreaterThan(-1e-6);
        expect(Math.max(...landed)).toBeLessThan(1 + 1e-6);
        const reached = landed.reduce((sum, z, i) => sum + z * normal[i], 0);
        expect(Math.abs(reached - offset)).toBeLessThan(1e-5 * size);
        expect(length).toBeCloseTo(normOf(norm, displacement), 5);
        const other = inside.map((z, i) => z - point[i]);
        expect(length).toBeLessThan(normOf(norm, other) + 1e-5);
      }),
      { numRuns: 200 },
    );
  });

  test('a plane out of reach: the nearest corner', () => {
    const displacement = new Float32Array(3);
    planeProjection(norm, 3)(Float32Array.of(0.25, 0.5, 1), Float32Array.of(1, -2, 0.5), -100, displacement);
    expect([...displacement]).toEqual([0.75, -0.5, 0]);
  });

  test('numbers that are no numbers end, too', () => {
    const displacement = new Float32Array(2);
    const project = planeProjection(norm, 2);
    for (const bad of [NaN, Infinity, -Infinity])
      expect(() =>
        project(Float32Array.of(0.5, 0.5), Float32Array.of(bad, 1), 0.1, displacement),
      ).not.toThrow();
  });
});
