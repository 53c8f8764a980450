import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { AUGMENTATIONS, type AugmentationName, type AugmentationOptions } from './augmentation-options.js';
import { createAugmentation } from './augmentation.js';
import { seededDraws, type Draws } from './draws.js';
import type { RgbImage } from './rgb-image.js';
import { robustbenchPreprocessing } from './robustbench-preprocessing.js';

const NAMES = Object.keys(AUGMENTATIONS) as AugmentationName[];

function picture(width: number, height: number, seed = 1) {
  const draws = seededDraws(seed, 'picture');
  return { pixels: Uint8Array.from({ length: width * height * 3 }, () => draws.integer(256)), width, height };
}

describe.each(NAMES)('scheme %s', (name) => {
  const augmentation = createAugmentation(name, 16);

  /** Checks something of images of any size, with the draws of any id. */
  function forAnyImage(check: (image: RgbImage, draws: () => Draws) => void): void {
    const side = fc.integer({ min: 1, max: 90 });
    fc.assert(
      fc.property(side, side, fc.integer({ min: 0 }), (width, height, id) =>
        check(picture(width, height), () => seededDraws(0, 'augment', 0, id)),
      ),
      { numRuns: 50 },
    );
  }

  test('any image becomes size x size floats that depend on the key alone', () =>
    forAnyImage((image, draws) => {
      const before = image.pixels.slice();
      const run = () => {
        const out = new Float32Array(16 * 16 * 3).fill(NaN);
        augmentation.image(image, draws(), out);
        return out;
      };
      const first = run();
      expect(first.every(Number.isFinite)).toBe(true);
      expect(run()).toEqual(first);
      expect(image.pixels).toEqual(before);
    }));

  test('the floats are the bytes, of memory that is not used again', () => {
    const unerased = createAugmentation({ ...AUGMENTATIONS[name], erasing: undefined }, 16);
    const earlier: [RgbImage, Uint8Array][] = [];
    forAnyImage((image, draws) => {
      const bytes = unerased.bytes(image, draws());
      const out = new Float32Array(16 * 16 * 3);
      unerased.image(image, draws(), out);
      expect(out).toEqual(Float32Array.from(bytes.pixels, (value) => value / 255));
      earlier.push([bytes, bytes.pixels.slice()]);
    });
    for (const [{ pixels }, copy] of earlier) expect(pixels).toEqual(copy);
  });

  test('pixels outside its source do not matter', () =>
    forAnyImage((image, draws) => {
      const { width, height, pixels } = image;
      const box = augmentation.source(width, height, draws());
      const changed = pixels.map((value, i) => {
        const y = Math.floor(i / (3 * width)) - box.top;
        const x = (Math.floor(i / 3) % width) - box.left;
        return y >= 0 && y < box.height && x >= 0 && x < box.width ? value : 255 - value;
      });
      const [expected, actual] = [pixels, changed].map(
        (each) => augmentation.bytes({ ...image, pixels: each }, draws()).pixels,
      );
      expect(actual).toEqual(expected);
    }));

  test('its options survive JSON', () => {
    const copy = JSON.parse(JSON.stringify(AUGMENTATIONS[name])) as AugmentationOptions;
    const [one, other] = [createAugmentation(name, 8), createAugmentation(copy, 8)].map((augmentation) => {
      const out = new Float32Array(8 * 8 * 3);
      augmentation.image(picture(20, 30), seededDraws(0, 'augment', 0, 5), out);
      return out;
    });
    expect(one).toEqual(other);
  });
});

describe('createAugmentation', () => {
  test('none leaves an image of the right size as it is', () => {
    const image = picture(8, 8);
    expect(createAugmentation('none', 8).bytes(image, seededDraws(0, 'x')).pixels).toEqual(image.pixels);
  });

  test('different epochs and samples differ', () => {
    const image = picture(50, 40);
    const augmentation = createAugmentation('basic', 16);
    const results = [
      [0, 0],
      [0, 1],
      [1, 0],
    ].map(([epoch, id]) => augmentation.bytes(image, seededDraws(0, 'augment', epoch, id)).pixels.join());
    expect(new Set(results).size).toBe(3);
  });

  test('targets: rows sum to one, smoothing without mixing, none without both', () => {
    const heavy = createAugmentation('heavy', 4);
    const targets = heavy.batch(new Float32Array(4 * 4 * 4 * 3), [0, 3, 9, 3], 10, seededDraws(0, 'mix', 1))!;
    for (let row = 0; row < 4; row++)
      expect(targets.subarray(row * 10, row * 10 + 10).reduce((sum, value) => sum + value, 0)).toBeCloseTo(
        1,
        6,
      );
    const smoothed = createAugmentation({ crop: { kind: 'stretch' }, labelSmoothing: 0.1 }, 4);
    expect(smoothed.batch(new Float32Array(48), [1], 2, seededDraws(0, 'mix'))).toEqual(
      Float32Array.of(0.05, 0.95),
    );
    expect(
      createAugmentation('basic', 4).batch(new Float32Array(48), [1], 2, seededDraws(0, 'mix')),
    ).toBeUndefined();
  });

  test.each<[string, AugmentationOptions | string, string]>([
    ['a scheme', 'hevay', 'unknown scheme "hevay"'],
    ['a prototype name', 'toString', 'unknown scheme "toString"'],
    ['a crop', { crop: { kind: 'circle' } as never }, 'crop.kind must be one of'],
    ['a scale', { crop: { kind: 'random-resized', scale: [0.5, 0.1] } }, 'crop.scale must be [low, high]'],
    ['a flip', { crop: { kind: 'stretch' }, flip: 1.5 }, 'flip must be from 0 to 1, got 1.5'],
    [
      'a RandAugment string',
      { crop: { kind: 'stretch' }, randAugment: 'rand-q1' },
      'section "q1" is unknown',
    ],
    ['an alpha', { crop: { kind: 'stretch' }, mixing: { mixup: -1, cutmix: 0 } }, 'must be >= 0, got -1'],
    [
      'smoothing',
      { crop: { kind: 'stretch' }, labelSmoothing: NaN },
      'labelSmoothing must be from 0 to 1, got NaN',
    ],
    [
      'erasing',
      { crop: { kind: 'stretch' }, erasing: { probability: 2 } },
      'erasing.probability must be from 0 to 1',
    ],
    [
      'jitter',
      { crop: { kind: 'stretch' }, colorJitter: { hue: 0.7 } },
      'colorJitter.hue is out of range, got 0.7',
    ],
  ])('refuses %s that makes no sense', (_, options, reason) => {
    expect(() => createAugmentation(options as AugmentationName, 8)).toThrow(reason);
  });
});

describe('robustbenchPreprocessing', () => {
  test.each([
    ['Res256Crop224', 224, 256, 'bilinear'],
    ['BicubicRes256Crop224', 224, 256, 'bicubic'],
    ['Crop288', 288, null, 'bilinear'],
  ])('%s', (name, imageSize, resizeTo, interpolation) => {
    expect(robustbenchPreprocessing(name)).toEqual({
      imageSize,
      crop: { kind: 'centre', resizeTo, interpolation },
    });
  });

  test('Res224 keeps no aspect', () => {
    expect(robustbenchPreprocessing('Res224')).toEqual({
      imageSize: 224,
      crop: { kind: 'stretch', interpolation: 'bilinear' },
    });
  });

  test.each(['', 'Bicubic', 'Res0Crop224', 'Res0', 'res256crop224', 'Crop99999'])('%p is refused', (name) => {
    expect(() => robustbenchPreprocessing(name)).toThrow(`unknown name "${name}"`);
  });
});
