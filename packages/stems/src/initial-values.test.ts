import { describe, expect, test } from '@jest/globals';
import {
  initialValues,
  ONES,
  torchDefault,
  truncatedNormal,
  ZEROS,
  type InitialValues,
} from './initial-values.js';

const COUNT = 200_000;

function moments(values: Float32Array): { mean: number; std: number; kurtosis: number; max: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const central = (power: number) =>
    values.reduce((sum, value) => sum + (value - mean) ** power, 0) / values.length;
  const max = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return { mean, std: Math.sqrt(central(2)), kurtosis: central(4) / central(2) ** 2, max };
}

/** Share of values below `threshold`. */
function share(values: Float32Array, threshold: number): number {
  return values.filter((value) => value < threshold).length / values.length;
}

describe('initialValues', () => {
  test.each<[string, InitialValues]>([
    ['truncated normal 0.02, not cut in effect', truncatedNormal(0.02)],
    ['normal 0.02', { kind: 'normal', std: 0.02 }],
  ])('%s', (_, spec) => {
    const values = initialValues(spec, COUNT, 1, 'weight');
    const { mean, std, kurtosis, max } = moments(values);
    expect(Math.abs(mean)).toBeLessThan((4 * 0.02) / Math.sqrt(COUNT));
    expect(Math.abs(std / 0.02 - 1)).toBeLessThan(0.01);
    expect(Math.abs(kurtosis - 3)).toBeLessThan(0.1);
    expect(max / 0.02).toBeGreaterThan(3.9);
    expect(max / 0.02).toBeLessThan(6.5);
    expect(share(values, -0.02)).toBeCloseTo(0.158655, 2);
    expect(share(values, 0.01)).toBeCloseTo(0.691462, 2);
  });

  test('a truncated normal keeps to its bound and its shape inside', () => {
    const values = initialValues({ kind: 'truncated-normal', std: 1, bound: 2 }, COUNT, 1, 'weight');
    const { std, max } = moments(values);
    expect(max).toBeLessThanOrEqual(2);
    expect(max).toBeGreaterThan(1.999);
    // Standard deviation of a unit normal cut at +-2: sqrt(1 - 4 phi(2) / (2 Phi(2) - 1)).
    expect(std).toBeCloseTo(0.87963, 2);
    expect(share(values, -1)).toBeCloseTo((0.158655 - 0.02275) / 0.9545, 2);
  });

  test("PyTorch's default is uniform in +-1/sqrt(fan_in)", () => {
    const { mean, std, kurtosis, max } = moments(initialValues(torchDefault(27), COUNT, 1, 'weight'));
    const bound = 1 / Math.sqrt(27);
    expect(Math.abs(mean)).toBeLessThan(0.002);
    expect(std).toBeCloseTo(bound / Math.sqrt(3), 3);
    expect(kurtosis).toBeCloseTo(1.8, 1);
    expect(max).toBeLessThanOrEqual(Math.fround(bound));
    expect(max).toBeGreaterThan(0.999 * bound);
  });

  test('constants and given values', () => {
    expect([...initialValues(ZEROS, 2, 1, 'a')]).toEqual([0, 0]);
    expect([...initialValues(ONES, 2, 1, 'a')]).toEqual([1, 1]);
    expect([...initialValues({ kind: 'given', values: [1, 2, 3] }, 3, 1, 'a')]).toEqual([1, 2, 3]);
  });

  test('a seeded model stays what it is: recorded values, also where one block of words ends and the next begins', () => {
    const indices = [0, 1, 4095, 4096, 4097, 9999];
    const recorded: [InitialValues, number[]][] = [
      [{ kind: 'uniform', bound: 0.5 }, [-0.253753, -0.017933, -0.073443, -0.248793, -0.427959, 0.123682]],
      [truncatedNormal(1), [-0.650164, -0.042919, -0.176633, -0.635574, -1.331492, 0.300375]],
    ];
    for (const [spec, wanted] of recorded) {
      const values = initialValues(spec, 10_000, 3, 'stem.weight');
      indices.forEach((index, i) => expect(values[index]).toBeCloseTo(wanted[i], 5));
    }
  });

  test('depends on seed and name alone', () => {
    const draw = (seed: number, name: string, count = 64) =>
      initialValues(truncatedNormal(0.02), count, seed, name);
    expect(draw(1, 'a')).toEqual(draw(1, 'a'));
    expect(draw(1, 'a', 128).slice(0, 64)).toEqual(draw(1, 'a'));
    expect(draw(1, 'a')).not.toEqual(draw(2, 'a'));
    expect(draw(1, 'a')).not.toEqual(draw(1, 'b'));
  });

  test('parameters of different names are uncorrelated', () => {
    const a = initialValues({ kind: 'normal', std: 1 }, COUNT, 7, 'stages.0.weight');
    const b = initialValues({ kind: 'normal', std: 1 }, COUNT, 7, 'stages.1.weight');
    const correlation = a.reduce((sum, value, i) => sum + value * b[i], 0) / COUNT;
    expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(COUNT));
  });
});
