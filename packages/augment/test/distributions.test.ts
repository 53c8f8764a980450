/** 20,000 draws of every random choice against the reference's statistics and the exact probabilities. */
import { describe, expect, test } from '@jest/globals';

import { colorJitter } from '../src/color-jitter.js';
import { seededDraws, type Draws } from '../src/draws.js';
import { cutmixBox, mixImages } from '../src/mixing.js';
import { parseRandAugment } from '../src/parse-rand-augment.js';
import { RAND_AUGMENT_OPERATIONS } from '../src/rand-augment-operations.js';
import { randAugment } from '../src/rand-augment.js';
import { randomErasing } from '../src/random-erasing.js';
import { randomResizedCropBox } from '../src/random-resized-crop.js';
import { goldenJson } from './goldens.js';
import type { ScriptedDraw } from './scripted-draws.js';

const DRAWS = 20_000;
/** Two-sample Kolmogorov-Smirnov at 0.1 % for n = m = 20000, plus the grain of the stored quantiles. */
const KS_LIMIT = 0.0195 + 0.005;

interface Sample {
  n: number;
  mean: number;
  var: number;
  quantiles_0_to_100: number[];
}

/** Largest distance between our empirical distribution and the reference's, at its stored quantiles. */
function kolmogorovSmirnov(values: number[], { quantiles_0_to_100: quantiles }: Sample): number {
  const sorted = Float64Array.from(values).sort();
  let distance = 0;
  const shareBelow = (value: number, inclusive: boolean) => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle] < value || (inclusive && sorted[middle] === value)) low = middle + 1;
      else high = middle;
    }
    return low / sorted.length;
  };
  for (let i = 0; i <= 100; i++) {
    // An atom spans several quantiles: compare its lower and its upper end.
    const first = quantiles.indexOf(quantiles[i]) / 100;
    const last = quantiles.lastIndexOf(quantiles[i]) / 100;
    const below = shareBelow(quantiles[i] - 1e-6, false);
    const upTo = shareBelow(quantiles[i] + 1e-6, true);
    distance = Math.max(distance, below - last, first - upTo);
  }
  return distance;
}

/** Pearson's statistic of counts against probabilities. */
function chiSquare(counts: number[], probabilities: number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.reduce(
    (sum, count, i) => sum + (count - total * probabilities[i]) ** 2 / (total * probabilities[i]),
    0,
  );
}

const nothing: Draws = {
  uniform: () => NaN,
  integer: () => NaN,
  normal: () => NaN,
  beta: () => NaN,
  fillNormal: () => undefined,
};

const statistics = goldenJson<{
  randaugment: { magnitude: Sample; args: Record<string, Sample> };
  mixup: Record<string, Sample>;
  random_erasing: Record<string, Record<string, Sample>>;
  random_resized_crop: Record<string, Record<string, Sample> & { fallback: number }>;
  'color_jitter_0.4': Record<string, Sample>;
}>('statistics');

/** Draws that record every number handed out. */
function recording(draws: Draws, record: ScriptedDraw[]): Draws {
  return {
    ...bind(draws),
    uniform() {
      const value = draws.uniform();
      record.push(['random', value]);
      return value;
    },
    integer(bound) {
      const value = draws.integer(bound);
      record.push(['randint_half_open', 0, bound, value]);
      return value;
    },
    normal() {
      const value = draws.normal();
      record.push(['gauss', 0, 1, value]);
      return value;
    },
  };
}

describe('RandAugment', () => {
  const options = parseRandAugment('rand-m9-mstd0.5-inc1');
  const chosen = new Map<string, number>(options.operations.map((name) => [name, 0]));
  const magnitudes: number[] = [];
  const args = new Map<string, number[]>();
  const appliedPerImage = [0, 0, 0];

  const pixel = { pixels: Uint8Array.of(10, 20, 30), width: 1, height: 1 };
  for (let image = 0; image < DRAWS; image++) {
    const record: ScriptedDraw[] = [];
    randAugment(pixel, options, recording(seededDraws(11, 'augment', 0, image), record));
    const names = record.splice(0, 2).map((draw) => options.operations[draw[3] ?? NaN]);
    let applied = 0;
    for (const name of names) {
      chosen.set(name, chosen.get(name)! + 1);
      if (record.shift()![1] > 0.5) continue;
      applied++;
      const magnitude = Math.max(0, Math.min(10, 9 + 0.5 * (record.shift()![3] ?? NaN)));
      const argument = RAND_AUGMENT_OPERATIONS[name].argument?.(magnitude, {
        ...nothing,
        uniform: () => record.shift()![1],
      });
      if (argument === undefined) continue;
      magnitudes.push(magnitude);
      args.set(name, [...(args.get(name) ?? []), argument]);
    }
    expect(record).toHaveLength(0);
    appliedPerImage[applied]++;
  }

  test('operations are equally likely (14 degrees of freedom, p = 1e-4)', () => {
    expect(chiSquare([...chosen.values()], new Array<number>(15).fill(1 / 15))).toBeLessThan(42.6);
  });

  test('0, 1 and 2 operations in 1/4, 1/2 and 1/4 of the images', () => {
    expect(chiSquare(appliedPerImage, [0.25, 0.5, 0.25])).toBeLessThan(18.4);
  });

  test('magnitudes', () => {
    const { magnitude } = statistics.randaugment;
    expect(kolmogorovSmirnov(magnitudes, magnitude)).toBeLessThan(KS_LIMIT);
    const atTop = magnitudes.filter((value) => value === 10).length / magnitudes.length;
    expect(Math.abs(atTop - 0.02275)).toBeLessThan(0.005);
  });

  test.each([
    'Rotate',
    'ShearX',
    'ShearY',
    'TranslateXRel',
    'TranslateYRel',
    'ColorIncreasing',
    'SolarizeIncreasing',
    'SolarizeAdd',
  ])('arguments of %s', (name) => {
    // About 1300 values on each side: the 0.1 % limit is 1.95 * sqrt(2 / 1300).
    expect(kolmogorovSmirnov(args.get(name)!, statistics.randaugment.args[name])).toBeLessThan(
      0.0765 + 0.005,
    );
  });
});

describe('random resized crop', () => {
  test.each([
    ['500x375', 500, 375],
    ['64x64', 64, 64],
    ['300x60', 300, 60],
  ])('boxes of %s', (size, width, height) => {
    const golden = statistics.random_resized_crop[size];
    const boxes = Array.from({ length: DRAWS }, (_, id) =>
      randomResizedCropBox(
        width,
        height,
        { scale: [0.08, 1], ratio: [3 / 4, 4 / 3] },
        seededDraws(3, 'augment', 0, id),
      ),
    );
    // The fallback of an image this wide is a centred box of the full height, 4/3 as wide.
    const random = boxes.filter(
      (box) => width / height <= 4 / 3 || box.height < height || box.width !== height * (4 / 3),
    );
    const fallbackShare = 1 - random.length / DRAWS;
    expect(Math.abs(fallbackShare - golden.fallback / DRAWS)).toBeLessThan(0.015);
    const areas = random.map((box) => (box.width * box.height) / (width * height));
    expect(kolmogorovSmirnov(areas, golden.area_fraction_non_fallback)).toBeLessThan(KS_LIMIT);
    const aspects = random.map((box) => Math.log(box.width / box.height));
    expect(kolmogorovSmirnov(aspects, golden.log_aspect_w_over_h)).toBeLessThan(KS_LIMIT);
  });
});

describe('random erasing', () => {
  test('probability, area and aspect at 224', () => {
    const golden = statistics.random_erasing['224x224'];
    const image = new Float32Array(224 * 224 * 3);
    const boxes = Array.from({ length: DRAWS }, (_, id) => {
      const draws = { ...bind(seededDraws(5, 'erase', id)), fillNormal: () => undefined };
      return randomErasing(image, 224, 224, { probability: 0.25 }, draws);
    }).filter((box) => box !== undefined);
    expect(Math.abs(boxes.length / DRAWS - 0.25)).toBeLessThan(5 * Math.sqrt((0.25 * 0.75) / DRAWS));
    // About 5000 values on each side.
    const limit = 1.95 * Math.sqrt(2 / 5000) + 0.005;
    expect(
      kolmogorovSmirnov(
        boxes.map((box) => (box.width * box.height) / 224 ** 2),
        golden.area_fraction,
      ),
    ).toBeLessThan(limit);
    expect(
      kolmogorovSmirnov(
        boxes.map((box) => Math.log(box.height / box.width)),
        golden.log_aspect_h_over_w,
      ),
    ).toBeLessThan(limit);
  });

  test('the noise is standard normal', () => {
    const noise = new Float32Array(200_000);
    seededDraws(1, 'noise').fillNormal(noise);
    const mean = noise.reduce((sum, value) => sum + value, 0) / noise.length;
    const variance = noise.reduce((sum, value) => sum + (value - mean) ** 2, 0) / noise.length;
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(noise.length));
    expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(2 / noise.length));
    const share = (test: (value: number) => boolean) => noise.filter(test).length / noise.length;
    expect(share((value) => value > 1)).toBeCloseTo(0.1587, 2);
    expect(share((value) => value < 0)).toBeCloseTo(0.5, 2);
  });
});

describe('mixing', () => {
  const one = (id: number) => {
    const images = new Float32Array(2 * 8 * 8 * 3);
    return mixImages(images, [2, 8, 8, 3], { mixup: 0.8, cutmix: 1 }, seededDraws(9, 'mix', id));
  };

  test('CutMix half of the time, Mixup the other half', () => {
    let cutmix = 0;
    for (let id = 0; id < DRAWS; id++) if (one(id).box) cutmix++;
    expect(Math.abs(cutmix / DRAWS - 0.5)).toBeLessThan(0.02);
  });

  test('Mixup’s lambda is Beta(0.8, 0.8)', () => {
    const draws = seededDraws(2, 'beta');
    const values = Array.from({ length: DRAWS }, () => draws.beta(0.8, 0.8));
    const golden = statistics.mixup['mixup_lam_beta(0.8,0.8)'];
    expect(kolmogorovSmirnov(values, golden)).toBeLessThan(KS_LIMIT);
  });

  test('CutMix’s lambda before and after the correction, at 224', () => {
    const drawn: number[] = [];
    const corrected: number[] = [];
    for (let id = 0; id < DRAWS; id++) {
      const draws = seededDraws(4, 'cutmix', id);
      drawn.push(draws.beta(1, 1));
      const box = cutmixBox(224, 224, drawn[id], draws);
      corrected.push(1 - ((box.bottom - box.top) * (box.right - box.left)) / 224 ** 2);
    }
    expect(kolmogorovSmirnov(drawn, statistics.mixup.cutmix_lam_drawn_uniform)).toBeLessThan(KS_LIMIT);
    expect(kolmogorovSmirnov(corrected, statistics.mixup.cutmix_lam_corrected)).toBeLessThan(KS_LIMIT);
  });
});

describe('colour jitter', () => {
  test('every order is equally likely and factors are uniform in [0.6, 1.4]', () => {
    const counts = new Map<string, number>();
    const brightness: number[] = [];
    const pixel = { pixels: Uint8Array.of(10, 20, 30), width: 1, height: 1 };
    for (let id = 0; id < DRAWS; id++) {
      const record: ScriptedDraw[] = [];
      const draws = recording(seededDraws(8, 'jitter', id), record);
      colorJitter(pixel, { brightness: 0.4, contrast: 0.4, saturation: 0.4 }, draws);
      const order = record
        .splice(0, 2)
        .map((draw) => draw[3])
        .join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
      brightness.push(0.6 + 0.8 * record[0][1]);
    }
    expect(counts.size).toBe(6);
    expect(chiSquare([...counts.values()], new Array<number>(6).fill(1 / 6))).toBeLessThan(25.7);
    expect(kolmogorovSmirnov(brightness, statistics['color_jitter_0.4'].brightness)).toBeLessThan(KS_LIMIT);
  });
});

function bind(draws: Draws): Draws {
  return {
    uniform: () => draws.uniform(),
    integer: (bound) => draws.integer(bound),
    normal: () => draws.normal(),
    beta: (alpha, beta) => draws.beta(alpha, beta),
    fillNormal: (out) => draws.fillNormal(out),
  };
}
