import { describe, expect, test } from '@jest/globals';

import { cutmixBox, mixImages, mixTargets } from '../src/mixing.js';
import { parseRandAugment } from '../src/parse-rand-augment.js';
import { RAND_AUGMENT_OPERATIONS } from '../src/rand-augment-operations.js';
import { randAugment } from '../src/rand-augment.js';
import { randomErasing } from '../src/random-erasing.js';
import { randomResizedCropBox } from '../src/random-resized-crop.js';
import { flipHorizontally } from '../src/flip.js';
import { resize } from '../src/resize.js';
import { difference, goldenInput, goldenJson, goldenTensors, toChannelsLast } from './goldens.js';
import { ScriptedDraws, type ScriptedDraw } from './scripted-draws.js';

const EXACT = { max: 0, share: 0 };
const SCALE = [0.08, 1] as const;
const RATIO = [3 / 4, 4 / 3] as const;

test('every magnitude gives the reference’s argument', () => {
  const { op_order, magnitudes, arg } = goldenJson<{
    op_order: string[];
    magnitudes: number[];
    arg: Record<string, Record<string, number | null | Record<string, number>>>;
  }>('magnitudes');
  expect(parseRandAugment('rand-m9-mstd0.5-inc1').operations).toEqual(op_order);
  for (const name of op_order) {
    for (const magnitude of magnitudes) {
      const expected = arg[name][String(magnitude)];
      const argument = (u: number) =>
        RAND_AUGMENT_OPERATIONS[name].argument?.(magnitude, new ScriptedDraws([['random', u]]));
      if (expected === null) expect(argument(0)).toBeUndefined();
      else if (typeof expected === 'number') expect(argument(0)).toBe(expected);
      else {
        expect(argument(0.5)).toBe(expected['sign_kept(u<=0.5)']);
        expect(argument(0.500001)).toBe(expected['sign_flipped(u>0.5)']);
      }
    }
  }
});

test('scripted RandAugment calls', async () => {
  const { cases } = goldenJson<{
    cases: { id: string; input: string; op_indices: number[]; draws_in_order: ScriptedDraw[]; out: string }[];
  }>('scripted_randaugment');
  const expected = goldenTensors('scripted_randaugment');
  expect(cases).toHaveLength(10);
  for (const { id, input, op_indices, draws_in_order, out } of cases) {
    const draws = new ScriptedDraws(draws_in_order, [...op_indices]);
    const { pixels } = randAugment(await goldenInput(input), parseRandAugment('rand-m9-mstd0.5-inc1'), draws);
    expect({ id, ...difference(pixels, expected.get(out)!.data) }).toEqual({ id, ...EXACT });
    expect(draws.exhausted).toBe(true);
  }
});

describe('random resized crop', () => {
  const { scripted_sampler, fallback_boxes } = goldenJson<{
    scripted_sampler: { size_wh: [number, number]; draws_in_order: ScriptedDraw[]; box_tlhw: number[] }[];
    fallback_boxes: { size_wh: [number, number]; box_tlhw: number[] }[];
  }>('rrc');

  test('scripted boxes', () => {
    expect(scripted_sampler).toHaveLength(14);
    for (const { size_wh, draws_in_order, box_tlhw } of scripted_sampler) {
      const draws = new ScriptedDraws(draws_in_order);
      const { top, left, height, width } = randomResizedCropBox(
        ...size_wh,
        { scale: SCALE, ratio: RATIO },
        draws,
      );
      expect([top, left, height, width]).toEqual(box_tlhw);
      expect(draws.exhausted).toBe(true);
    }
  });

  test('fallback boxes', () => {
    // Area and ratio at their largest never fit.
    const tooLarge = {
      uniform: () => 1,
      integer: () => 0,
      normal: () => 0,
      beta: () => 0,
      fillNormal: () => undefined,
    };
    for (const { size_wh, box_tlhw } of fallback_boxes) {
      const { top, left, height, width } = randomResizedCropBox(
        ...size_wh,
        { scale: [4, 4], ratio: RATIO },
        tooLarge,
      );
      expect([top, left, height, width]).toEqual(box_tlhw);
    }
  });
});

describe('Mixup and CutMix', () => {
  interface MixCase {
    id: string;
    batch: number;
    num_classes: number;
    hw: [number, number];
    mixup_alpha: number;
    cutmix_alpha: number;
    prob: number;
    switch_prob: number;
    label_smoothing: number;
    enabled: boolean;
    draws_in_order: ScriptedDraw[];
    bbox_yl_yh_xl_xh: number[] | null;
    lam_used_for_target: number;
  }
  const { cases } = goldenJson<{ cases: MixCase[] }>('mixup');
  const expected = goldenTensors('mixup');

  test.each(cases.map((golden) => [golden.id, golden] as const))('%s is exact', (id, golden) => {
    const images = toChannelsLast(expected.get(`${id}/x`)!);
    const labels = expected.get(`${id}/y`)!.data;
    const draws = new ScriptedDraws(golden.draws_in_order);
    const options = {
      mixup: golden.enabled ? golden.mixup_alpha : 0,
      cutmix: golden.enabled ? golden.cutmix_alpha : 0,
      probability: golden.prob,
      switchProbability: golden.switch_prob,
    };
    const { lambda, box } = mixImages(images, [golden.batch, ...golden.hw, 3], options, draws);
    expect(draws.exhausted).toBe(true);
    expect(lambda).toBeCloseTo(golden.lam_used_for_target, 12);
    if (box) expect([box.top, box.bottom, box.left, box.right]).toEqual(golden.bbox_yl_yh_xl_xh);
    expect(difference(images, toChannelsLast(expected.get(`${id}/x_out`)!))).toEqual(EXACT);
    const targets = mixTargets(labels, golden.num_classes, lambda, golden.label_smoothing);
    expect(difference(targets, expected.get(`${id}/target`)!.data)).toEqual(EXACT);
  });

  test('200 CutMix boxes', () => {
    const { rows } = goldenJson<{ rows: number[][] }>('cutmix_bboxes');
    expect(rows).toHaveLength(200);
    for (const [height, width, lambda, row, column, top, bottom, left, right, corrected] of rows) {
      const draws = new ScriptedDraws([
        ['randint_half_open', 0, height, row],
        ['randint_half_open', 0, width, column],
      ]);
      expect(cutmixBox(height, width, lambda, draws)).toEqual({ top, bottom, left, right });
      expect(1 - ((bottom - top) * (right - left)) / (height * width)).toBe(corrected);
    }
  });
});

describe('random erasing', () => {
  const { cases } = goldenJson<{
    cases: {
      id: string;
      hw: [number, number];
      probability: number;
      draws_in_order: ScriptedDraw[];
      erased_tlhw: number[] | null;
    }[];
  }>('random_erasing');
  const expected = goldenTensors('random_erasing');

  test.each(cases.map((golden) => [golden.id, golden] as const))('%s is exact', (id, golden) => {
    const [height, width] = golden.hw;
    const image = toChannelsLast(expected.get(`${id}/x`)!);
    const noise = toChannelsLast(expected.get(`${id}/noise`)!);
    // The reference stores the noise for the whole image; the box takes the rows and columns from its corner on.
    const [, , boxHeight = 0, boxWidth = 0] = golden.erased_tlhw ?? [];
    const boxNoise = Float32Array.from(
      Array.from({ length: boxHeight }, (_, y) =>
        Array.from(noise.subarray(y * width * 3, (y * width + boxWidth) * 3)),
      ).flat(),
    );
    const draws = new ScriptedDraws(golden.draws_in_order, [], boxNoise);
    const box = randomErasing(image, width, height, { probability: golden.probability }, draws);
    expect(draws.exhausted).toBe(true);
    expect(box ? [box.top, box.left, box.height, box.width] : null).toEqual(golden.erased_tlhw);
    expect(difference(image, toChannelsLast(expected.get(`${id}/out`)!))).toEqual(EXACT);
  });
});

test('four photos end to end, then Mixup and CutMix of the batch', async () => {
  interface ImageStep {
    photo: string;
    crop_tlhw: number[];
    resize_to: number;
    hflip: boolean;
    ops: { op: string; args: Record<string, number> }[];
    erase_tlhw: number[] | null;
    noise: string | null;
    uint8_after_ops: string;
  }
  interface MixStep {
    mix: string;
    draws_in_order: ScriptedDraw[];
    labels: number[];
    num_classes: number;
  }
  const { steps } = goldenJson<{ steps: (ImageStep | MixStep)[] }>('end_to_end');
  const expected = goldenTensors('end_to_end');
  const images = steps.filter((step): step is ImageStep => 'photo' in step);
  const size = 48;
  const batch = new Float32Array(images.length * size * size * 3);
  for (const [index, step] of images.entries()) {
    const [top, left, height, width] = step.crop_tlhw;
    let image = resize(await goldenInput(step.photo), size, size, { source: { top, left, height, width } });
    if (step.hflip) image = flipHorizontally(image);
    for (const { op, args } of step.ops)
      image = RAND_AUGMENT_OPERATIONS[op].apply(image, Object.values(args)[0] ?? NaN, {
        interpolation: 'bicubic',
      });
    expect(difference(image.pixels, expected.get(step.uint8_after_ops)!.data)).toEqual(EXACT);
    const floats = Float32Array.from(image.pixels, (byte) => byte / 255);
    if (step.noise && step.erase_tlhw) {
      const noise = toChannelsLast(expected.get(step.noise)!);
      const [eraseTop, eraseLeft, eraseHeight, eraseWidth] = step.erase_tlhw;
      for (let y = 0; y < eraseHeight; y++)
        floats.set(
          noise.subarray(y * eraseWidth * 3, (y + 1) * eraseWidth * 3),
          ((eraseTop + y) * size + eraseLeft) * 3,
        );
    }
    batch.set(floats, index * floats.length);
  }
  expect(difference(batch, toChannelsLast(expected.get('batch_before_mix')!))).toEqual(EXACT);
  for (const step of steps.filter((one): one is MixStep => 'mix' in one)) {
    const mixed = batch.slice();
    const draws = new ScriptedDraws(step.draws_in_order);
    const { lambda } = mixImages(mixed, [4, size, size, 3], { mixup: 0.8, cutmix: 1 }, draws);
    expect(difference(mixed, toChannelsLast(expected.get(`${step.mix}/x`)!))).toEqual(EXACT);
    const targets = mixTargets(step.labels, step.num_classes, lambda, 0.1);
    expect(difference(targets, expected.get(`${step.mix}/target`)!.data)).toEqual(EXACT);
  }
});
