import { describe, expect, test } from '@jest/globals';
import {
  PAPER_STEMS,
  resolveStem,
  type StemDesign,
  type StemOption,
  type StemRequirements,
} from './stem-design.js';

const CONVNEXT: StemRequirements = {
  family: 'convnext',
  channels: 96,
  stride: 4,
  convStem: 'table8-c1',
  nativeStem: 'patch',
};
const VIT: StemRequirements = {
  family: 'vit',
  channels: 384,
  stride: 16,
  convStem: 'table9-c1',
  nativeStem: 'patch',
};

function notation(design: StemDesign | 'patch' | 'native'): string {
  if (typeof design === 'string') return design;
  const layers = design.layers.map(({ kernel, stride, channels }) => `${kernel}/${stride}:${channels}`);
  return [...layers, ...(design.projection ? ['1x1'] : [])].join(' ');
}

describe('resolveStem', () => {
  test.each<[StemOption, StemRequirements, string]>([
    ['native', CONVNEXT, 'patch'],
    ['patch', CONVNEXT, 'patch'],
    ['conv', CONVNEXT, '3/2:48 3/2:96'],
    ['conv', VIT, '3/2:48 3/2:96 3/2:192 3/2:384 1x1'],
    ['conv', { ...VIT, channels: 768 }, '3/2:48 3/2:96 3/2:192 3/2:384 1x1'],
    ['native', { ...VIT, nativeStem: undefined }, 'native'],
    ['conv', { ...VIT, convStem: 'native', nativeStem: undefined }, 'native'],
    ['table7-conv4s4', CONVNEXT, 'patch'],
    ['table7-conv7s4', CONVNEXT, '7/4:96'],
    ['table7-conv7s4-conv3s1', CONVNEXT, '7/4:48 3/1:96'],
    ['table7-conv7s4-conv3s1-wide', CONVNEXT, '7/4:96 3/1:96'],
    ['table7-conv7s2-conv3s2', CONVNEXT, '7/2:48 3/2:96'],
    ['table7-conv5s2-conv3s2', CONVNEXT, '5/2:48 3/2:96'],
    ['table7-conv3s2-conv3s2', CONVNEXT, '3/2:48 3/2:96'],
    ['table8-c1', { ...CONVNEXT, channels: 128 }, '3/2:64 3/2:128'],
    ['table8-c2', { ...CONVNEXT, channels: 128 }, '3/2:64 3/2:96 3/1:128'],
    ['table8-c2', { ...CONVNEXT, channels: 192 }, '3/2:96 3/2:144 3/1:192'],
    ['table9-c2', VIT, '3/2:48 3/2:48 3/2:48 3/2:384 1x1'],
    ['table9-c3', VIT, '7/4:48 7/4:384 1x1'],
    ['table9-c4', VIT, '7/4:48 3/2:96 3/2:192 3/1:384 1x1'],
    ['table9-c5', VIT, '7/4:48 7/4:96 3/1:192 3/1:384 1x1'],
    [{ name: 'conv', width: 4 }, { ...VIT, channels: 32 }, '3/2:4 3/2:8 3/2:16 3/2:32 1x1'],
    [{ name: 'conv', strides: [1, 1] }, CONVNEXT, '3/1:48 3/1:96'],
    [{ layers: [{ kernel: 3, stride: 1, channels: 96 }] }, CONVNEXT, '3/1:96'],
    [{ layers: [{ kernel: 3, stride: 4, channels: 8 }], projection: true }, CONVNEXT, '3/4:8 1x1'],
  ])('%j of %j', (option, requirements, expected) => {
    expect(notation(resolveStem(option, requirements))).toBe(expected);
  });

  test('every paper stem resolves for its network', () => {
    for (const [name, { table }] of Object.entries(PAPER_STEMS)) {
      const requirements = table === 9 ? VIT : { ...CONVNEXT, channels: table === 7 ? 96 : 128 };
      expect(() => resolveStem(name, requirements)).not.toThrow();
    }
  });

  test.each<[StemOption, StemRequirements, RegExp]>([
    ['table9', VIT, /no stem is called 'table9'. Known: native, patch, conv, table7-conv4s4/],
    ['__proto__', VIT, /no stem is called '__proto__'/],
    ['table9-c1', CONVNEXT, /reduces the image 16 times, the network expects 4/],
    ['table8-c1', VIT, /reduces the image 4 times, the network expects 16/],
    [{ name: 'table8-c1', width: 40 }, CONVNEXT, /ends with 80 channels, the network takes 96/],
    [{ name: 'conv', strides: [1] }, CONVNEXT, /has 2 convolutions, got 1 strides/],
    [null as unknown as StemOption, CONVNEXT, /stem must be a name, .* got null/],
    [{ name: 7 } as unknown as StemOption, CONVNEXT, /stem must be a name/],
    [{ layers: [] }, CONVNEXT, /has no layers/],
    [{ layers: [{ kernel: 3, stride: 0, channels: 96 }] }, CONVNEXT, /needs positive integers/],
    [{ layers: [{ kernel: 3, stride: 1, channels: 95 }] }, CONVNEXT, /ends with 95 channels/],
  ])('refuses %j', (option, requirements, message) => {
    expect(() => resolveStem(option, requirements)).toThrow(message);
  });
});
