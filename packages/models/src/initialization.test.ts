import { beforeAll, describe, expect, test } from '@jest/globals';
import '@tensorflow/tfjs-backend-cpu';
import type { InitialValues } from '@revat/stems';
import * as tf from '@tensorflow/tfjs-core';
import { createModel, type ModelOptions } from './registry.js';

const NORMAL: InitialValues = { kind: 'truncated-normal', std: 0.02, bound: 2 };
const ZERO: InitialValues = { kind: 'constant', value: 0 };
const ONE: InitialValues = { kind: 'constant', value: 1 };
const constant = (value: number): InitialValues => ({ kind: 'constant', value });
const normal = (std: number): InitialValues => ({ kind: 'normal', std });
const fanIn = (count: number): InitialValues => ({ kind: 'uniform', bound: 1 / Math.sqrt(count) });

/** How timm (and for the ConvStem the paper) starts the parameters of each network: name to initial values. */
const CASES: readonly [string, ModelOptions, Record<string, InitialValues>][] = [
  [
    'convnext_tiny',
    { stem: 'patch' },
    {
      'stem.0.weight': NORMAL,
      'stem.0.bias': ZERO,
      'stem.1.weight': ONE,
      'stages.0.blocks.0.conv_dw.weight': NORMAL,
      'stages.0.blocks.0.conv_dw.bias': ZERO,
      'stages.0.blocks.0.gamma': constant(1e-6),
      'stages.2.blocks.8.mlp.fc1.weight': NORMAL,
      'stages.2.blocks.8.mlp.fc2.bias': ZERO,
      'stages.1.downsample.1.weight': NORMAL,
      'head.fc.weight': NORMAL,
      'head.fc.bias': ZERO,
    },
  ],
  [
    'convnext_base',
    { stem: 'conv' },
    {
      'stem.stem.0.weight': fanIn(27),
      'stem.stem.0.bias': fanIn(27),
      'stem.stem.3.weight': fanIn(64 * 9),
      'stem.stem.6.bias': fanIn(96 * 9),
      'stem.stem.7.weight': ONE,
    },
  ],
  [
    'convnext_isotropic_small',
    { stem: 'conv' },
    {
      'stem.stem.12.weight': fanIn(384),
      'blocks.0.dwconv.weight': NORMAL,
      'blocks.17.pwconv2.weight': NORMAL,
      'head.weight': NORMAL,
    },
  ],
  [
    'vit_medium',
    { stem: 'patch' },
    {
      cls_token: normal(1e-6),
      pos_embed: NORMAL,
      'patch_embed.proj.weight': fanIn(768),
      'patch_embed.proj.bias': fanIn(768),
      'blocks.0.attn.qkv.weight': NORMAL,
      'blocks.0.attn.qkv.bias': ZERO,
      'blocks.0.ls1.gamma': constant(1e-6),
      'head.weight': NORMAL,
    },
  ],
  [
    'xcit_small_12',
    {},
    {
      cls_token: NORMAL,
      'patch_embed.proj.0.0.weight': fanIn(27),
      'pos_embed.token_projection.weight': fanIn(64),
      'blocks.0.gamma1': ONE,
      'blocks.0.attn.temperature': ONE,
      'blocks.0.attn.qkv.weight': NORMAL,
      'blocks.0.local_mp.conv1.weight': fanIn(9),
      'cls_attn_blocks.1.attn.q.weight': NORMAL,
    },
  ],
  [
    'swin_base',
    {},
    {
      'patch_embed.proj.weight': fanIn(48),
      'layers.0.blocks.0.attn.relative_position_bias_table': NORMAL,
      'layers.0.blocks.0.attn.qkv.weight': NORMAL,
      'layers.1.downsample.reduction.weight': NORMAL,
    },
  ],
  [
    'resnet50',
    {},
    {
      'conv1.weight': normal(Math.sqrt(2 / (64 * 49))),
      'layer1.0.conv2.weight': normal(Math.sqrt(2 / (64 * 9))),
      'layer1.0.bn1.weight': ONE,
      'layer1.0.bn3.weight': ZERO,
      'layer1.0.downsample.1.weight': ONE,
      'fc.weight': fanIn(2048),
      'fc.bias': fanIn(2048),
    },
  ],
  ['resnet50', { zeroInitLast: false }, { 'layer1.0.bn3.weight': ONE }],
  [
    'robarch_small',
    {},
    {
      'stem.stem.stem.0.weight': normal(Math.sqrt(2 / (49 * 96))),
      'stages.stage1.stage1-block0.F.b.0.weight': normal(Math.sqrt(2 / (9 * 72))),
      'fc.weight': normal(0.01),
      'fc.bias': ZERO,
    },
  ],
  [
    'internimage_tiny',
    {},
    {
      'levels.0.blocks.0.dcn.offset.weight': ZERO,
      'levels.0.blocks.0.dcn.mask.bias': ZERO,
      'levels.0.blocks.0.dcn.input_proj.weight': { kind: 'uniform', bound: Math.sqrt(6 / 128) },
      'levels.0.blocks.0.mlp.fc1.weight': NORMAL,
      'head.weight': NORMAL,
    },
  ],
];

describe('initialisation', () => {
  test.each(CASES)('%s %j', (name, options, expected) => {
    const { specs } = createModel(name, options, { deferred: true });
    const actual = Object.fromEntries(
      Object.keys(expected).map((parameter) => [
        parameter,
        specs.find((spec) => spec.name === parameter)?.initial,
      ]),
    );
    expect(actual).toEqual(expected);
  });

  describe('as drawn', () => {
    beforeAll(() => tf.setBackend('cpu'));

    test('fc1 of a block has standard deviation 0.02 and mean 0', () => {
      const model = createModel('convnext_micro', { numClasses: 10 });
      const values = model.parameters().get('stages.2.blocks.0.mlp.fc1.weight')!.dataSync<'float32'>();
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      expect(Math.abs(mean)).toBeLessThan((4 * 0.02) / Math.sqrt(values.length));
      expect(Math.abs(Math.sqrt(variance) / 0.02 - 1)).toBeLessThan(0.02);
      model.dispose();
    });

    test('another head or stem leaves the rest of a seeded network as it was', () => {
      const [a, b] = [
        createModel('convnext_micro', { numClasses: 10, stem: 'patch' }),
        createModel('convnext_micro', { numClasses: 5, stem: 'conv' }),
      ];
      const shared = [...a.parameters().keys()].filter((key) => key.startsWith('stages.'));
      expect(shared.length).toBeGreaterThan(20);
      for (const key of shared)
        expect(a.parameters().get(key)!.dataSync()).toEqual(b.parameters().get(key)!.dataSync());
      a.dispose();
      b.dispose();
    });
  });
});
