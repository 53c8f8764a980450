import { createHash } from 'node:crypto';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { createAugmentation } from '../src/augmentation.js';
import { adjustBrightness, adjustContrast, adjustSaturation, grayscale } from '../src/blend.js';
import { seededDraws } from '../src/draws.js';
import { evaluationCrop, evaluationGeometry } from '../src/evaluation-crop.js';
import { flipHorizontally } from '../src/flip.js';
import { gaussianBlur } from '../src/gaussian-blur.js';
import { adjustHue, rgbToHsv } from '../src/hue.js';
import { solarize } from '../src/intensity.js';
import { RAND_AUGMENT_OPERATIONS } from '../src/rand-augment-operations.js';
import { resize, type Interpolation } from '../src/resize.js';
import type { RgbImage } from '../src/rgb-image.js';
import { simpleRandomCrop } from '../src/simple-random-crop.js';
import {
  asImage,
  difference,
  goldenInput,
  goldenJson,
  goldenTensors,
  toChannelsLast,
  type Difference,
} from './goldens.js';
import { ScriptedDraws } from './scripted-draws.js';

const EXACT: Difference = { max: 0, share: 0 };

interface OperationStep {
  op: string;
  args: Record<string, number>;
}

interface OperationCase extends OperationStep {
  id: string;
  input: string;
  out: string;
  resample?: Interpolation;
  fill?: [number, number, number];
  layers?: OperationStep[];
}

function applyOperation(
  image: RgbImage,
  { op, args }: OperationStep,
  { resample, fill }: Partial<OperationCase>,
): RgbImage {
  const [argument = NaN] = Object.values(args);
  return RAND_AUGMENT_OPERATIONS[op].apply(image, argument, { interpolation: resample, fill });
}

describe('RandAugment operations with given arguments', () => {
  const { cases } = goldenJson<{ cases: OperationCase[] }>('randaugment');
  const expected = goldenTensors('randaugment');

  test('there are 520 cases', () => expect(cases).toHaveLength(520));

  test.each([...new Set(cases.map(({ op }) => op))])('%s is exact', async (op) => {
    for (const golden of cases.filter((one) => one.op === op)) {
      let image = await goldenInput(golden.input);
      for (const step of golden.layers ?? [golden]) image = applyOperation(image, step, golden);
      expect({ id: golden.id, ...difference(image.pixels, expected.get(golden.out)!.data) }).toEqual({
        id: golden.id,
        ...EXACT,
      });
    }
  });
});

describe('random resized crops of given boxes', () => {
  const { cases } = goldenJson<{
    cases: {
      id: string;
      input: string;
      box_tlhw: number[];
      out_size_wh: [number, number];
      resample: Interpolation;
    }[];
  }>('rrc');
  const expected = goldenTensors('rrc');

  test.each(cases.map((golden) => [golden.id, golden] as const))('%s is exact', async (id, golden) => {
    const image = await goldenInput(golden.input);
    if (id.startsWith('hflip')) {
      expect(difference(flipHorizontally(image).pixels, expected.get(id)!.data)).toEqual(EXACT);
      return;
    }
    const [top, left, height, width] = golden.box_tlhw;
    const result = resize(image, ...golden.out_size_wh, {
      interpolation: golden.resample,
      source: { top, left, height, width },
    });
    // The trap cases store a wrong result, sampled beyond the box, beside the right one.
    const right = expected.get(`${id}/right`) ?? expected.get(id)!;
    expect(difference(result.pixels, right.data)).toEqual(EXACT);
  });
});

describe('colour jitter and 3-Augment pieces', () => {
  interface JitterCase {
    id: string;
    op: string;
    input: string;
    factor: number;
    radius: number;
    steps: [string, number][];
    short_side: number;
    crop_tlhw: number[];
    padded_size_wh: [number, number];
  }
  const { cases } = goldenJson<{ cases: JitterCase[] }>('jitter_3aug');
  const expected = goldenTensors('jitter_3aug');
  const adjustments: Record<string, (image: RgbImage, factor: number) => RgbImage> = {
    brightness: adjustBrightness,
    contrast: adjustContrast,
    saturation: adjustSaturation,
    hue: adjustHue,
  };

  const run: Record<string, (image: RgbImage, golden: JitterCase) => RgbImage> = {
    ...Object.fromEntries(
      Object.entries(adjustments).map(([name, adjust]) => [
        name,
        (image, golden) => adjust(image, golden.factor),
      ]),
    ),
    rgb_to_hsv_bytes: (image) => ({ ...image, pixels: rgbToHsv(image) }),
    grayscale3: grayscale,
    solarize128: (image) => solarize(image, 128),
    gaussian_blur_pil: (image, { radius }) => gaussianBlur(image, radius),
    jitter_sequence: (image, { steps }) =>
      steps.reduce((result, [name, factor]) => adjustments[name](result, factor), image),
    simple_random_crop: (image, { short_side: size, crop_tlhw: box, padded_size_wh: padded }) =>
      simpleRandomCrop(
        image,
        size,
        new ScriptedDraws([
          ['randint_inclusive', 0, padded[1] - size, 0, box[0]],
          ['randint_inclusive', 0, padded[0] - size, 0, box[1]],
        ]),
      ),
  };

  test.each([...new Set(cases.map(({ op }) => op))])('%s is exact', async (op) => {
    for (const golden of cases.filter((one) => one.op === op)) {
      const result = run[op](await goldenInput(golden.input), golden);
      expect({ id: golden.id, ...difference(result.pixels, expected.get(golden.id)!.data) }).toEqual({
        id: golden.id,
        ...EXACT,
      });
    }
  });
});

describe('evaluation transform', () => {
  const { cases } = goldenJson<{
    cases: { id: string; input: string; NS: number; resample: Interpolation }[];
  }>('eval');
  const expected = goldenTensors('eval');

  test.each(cases.filter(({ id }) => id.startsWith('eval/')).map((golden) => [golden.id, golden] as const))(
    '%s is exact',
    async (id, { input, NS, resample }) => {
      const result = evaluationCrop(await goldenInput(input), NS, { interpolation: resample });
      expect(difference(result.pixels, asImage(expected.get(id)!).pixels)).toEqual(EXACT);
    },
  );

  test('warping to a square is exact', async () => {
    const result = resize(await goldenInput('chelsea'), 96, 96);
    expect(difference(result.pixels, expected.get('eval_warp/chelsea/96')!.data)).toEqual(EXACT);
  });

  test('the float image is byte / 255 in float32', async () => {
    const out = new Float32Array(64 * 64 * 3);
    createAugmentation('evaluation', 64).image(await goldenInput('chelsea'), seededDraws(0, 'none'), out);
    const golden = expected.get('eval_float/chelsea/64')!;
    expect(difference(out, toChannelsLast(golden))).toEqual(EXACT);
  });

  test('sizes and crops of 120 image sizes', () => {
    const { rows } = goldenJson<{ rows: number[][] }>('eval_geometry');
    expect(rows).toHaveLength(120);
    for (const [width, height, size, , resizedWidth, resizedHeight, top, left] of rows)
      expect(evaluationGeometry(width, height, size)).toEqual({
        width: resizedWidth,
        height: resizedHeight,
        crop: { top, left, height: size, width: size },
      });
  });

  test('an image smaller than the crop gets black borders, as in torchvision', () => {
    const white = { pixels: new Uint8Array(3 * 2 * 3).fill(255), width: 3, height: 2 };
    const { pixels } = evaluationCrop(white, 4, { resizeTo: null });
    const lit = Array.from({ length: 16 }, (_, i) => (pixels[i * 3] === 255 ? '#' : '.')).join('');
    expect(lit.match(/.{4}/g)).toEqual(['....', '###.', '###.', '....']);
  });
});

describe('decoded JPEG files', () => {
  const { cases } = goldenJson<{
    cases: { file: string; crop_tlhw: number[]; sha256_of_full_rgb_bytes: string }[];
  }>('jpeg');
  const expected = goldenTensors('jpeg');

  test.each(cases.map((golden) => [golden.file, golden] as const))('%s', async (file, golden) => {
    const image = await goldenInput(join('..', file));
    expect(createHash('sha256').update(image.pixels).digest('hex')).toBe(golden.sha256_of_full_rgb_bytes);
    const [top, left, height, width] = golden.crop_tlhw;
    const cropped = resize(image, width, height, { source: { top, left, height, width } });
    expect(difference(cropped.pixels, expected.get(file.split('/')[1])!.data)).toEqual(EXACT);
  });
});
