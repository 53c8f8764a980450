import { describe, expect, test } from '@jest/globals';

import { learningRateAt, radiusAt } from './learning-rate.js';

describe('learningRateAt', () => {
  const schedule = { peak: 1e-3, final: 1e-5, warmupSteps: 10, totalSteps: 110 };

  test('rises linearly, peaks at the end of the warm-up, falls to the final rate', () => {
    expect(learningRateAt(schedule, 0)).toBeCloseTo(1e-4, 12);
    expect(learningRateAt(schedule, 9)).toBeCloseTo(1e-3, 12);
    expect(learningRateAt(schedule, 10)).toBeCloseTo(1e-3, 12);
    expect(learningRateAt(schedule, 60)).toBeCloseTo((1e-3 + 1e-5) / 2, 12);
    expect(learningRateAt(schedule, 110)).toBeCloseTo(1e-5, 12);
  });

  test('never rises after the warm-up and is positive throughout', () => {
    for (let step = 11; step < 110; step++)
      expect(learningRateAt(schedule, step)).toBeLessThan(learningRateAt(schedule, step - 1));
    for (let step = 0; step < 110; step++) expect(learningRateAt(schedule, step)).toBeGreaterThan(0);
  });

  test('works without a warm-up', () => {
    expect(learningRateAt({ peak: 1, final: 0, warmupSteps: 0, totalSteps: 4 }, 0)).toBe(1);
  });
});

describe('radiusAt', () => {
  test('rises over the ramp and stays', () => {
    const ramp = { from: 0.1, to: 0.2, rampSteps: 4 };
    const radii = [0, 1, 2, 3, 4, 5].map((step) => Number(radiusAt(ramp, step).toFixed(6)));
    expect(radii).toEqual([0.12, 0.14, 0.16, 0.18, 0.2, 0.2]);
  });

  test('is constant without a ramp', () => {
    expect(radiusAt({ from: 0, to: 0.15, rampSteps: 0 }, 0)).toBe(0.15);
  });
});
