import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';
import { createBall, randomStream } from '@revat/core';
import fc from 'fast-check';

import { ascend } from './ascent.js';
import { fabMove } from './fab-move.js';
import { STEP_KERNELS_SHA256, stepMemory } from './step-kernels.js';

test('a climb has the bits of ascent, projection, momentum and projection one after another', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.integer(), fc.boolean(), (size, seed, hasMomentum) => {
      const random = randomStream(seed, 'climb');
      const ball = createBall('Linf', random.uniforms(size), 0.3);
      const [current, previous] = [random.uniforms(size), random.uniforms(size)];
      const gradient = random.normals(size).map((slope) => (Math.abs(slope) < 0.3 ? 0 : slope));

      const expected = new Float32Array(size);
      ascend('Linf', current, gradient, 0.1, expected, 1);
      ball.project(expected);
      if (hasMomentum) {
        for (let i = 0; i < size; i++)
          expected[i] = current[i] + 0.75 * (expected[i] - current[i]) + 0.25 * (current[i] - previous[i]);
        ball.project(expected);
      }

      const { kernels, length, arrays } = stepMemory(size);
      [current, previous, gradient, ball.bounds!.low, ball.bounds!.high].forEach((values, i) =>
        arrays[i].values.set(values),
      );
      const [x, old, slope, low, high, next] = arrays.map(({ address }) => address);
      kernels.climb(x, old, slope, low, high, next, length, 0.1, hasMomentum);
      expect(arrays[5].values).toEqual(expected);
    }),
  );
});

test('images of different sizes use the memory in turn', () => {
  for (const size of [1, 7, 3072, 2, 768, 50_000, 5]) {
    const point = new Float32Array(size).fill(0.5);
    const plane = { normal: new Float32Array(size).fill(1), above: 0.1 * size };
    fabMove(point, point.slice(), plane, { norm: 'L2', alphaMax: 0, overshoot: 1 });
    expect(point).toEqual(new Float32Array(size).fill(0.4));
  }
});

test('the compiled kernels are those of the source', () => {
  const folder = join(__dirname, '../assembly');
  const hash = createHash('sha256');
  for (const file of readdirSync(folder).sort()) hash.update(readFileSync(join(folder, file)));
  expect(hash.digest('hex')).toBe(STEP_KERNELS_SHA256);
});
