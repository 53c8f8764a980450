import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { createModel, profile, type Model } from '../src/index.js';
import { ZOO_MODELS } from './zoo-models.js';

interface ZooEntry {
  readonly key: string;
  readonly params: number;
  readonly state_dict: readonly [string, number[], 'param' | 'buffer', string][];
  readonly flops: {
    fvcore_style_total: number;
    mac_only_total: number;
    by_operator: Record<string, number>;
    by_stage: Record<string, { total: number }>;
  };
}

beforeAll(() => tf.setBackend('cpu'));

const zoo = fixture<ZooEntry[]>('zoo.json');

function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(join(__dirname, 'fixtures', name), 'utf8')) as T;
}

function zooModel(key: string): Model {
  const { model, options } = ZOO_MODELS[key];
  return createModel(model, options, { deferred: true });
}

test('the zoo has 27 models, each with a name here', () => {
  expect(zoo.map(({ key }) => key).sort()).toEqual(Object.keys(ZOO_MODELS).sort());
  expect(zoo).toHaveLength(27);
});

describe.each(zoo.map((entry) => [entry.key, entry] as const))('%s', (key, entry) => {
  const model = zooModel(key);

  test('names, PyTorch shapes, kinds and order of the state dict', () => {
    const ours = model.specs.map(({ name, torchShape, kind, torchDtype }) => [
      name,
      [...torchShape],
      kind === 'parameter' ? 'param' : 'buffer',
      torchDtype === 'int64' ? 'I64' : 'F32',
    ]);
    expect(ours).toEqual(entry.state_dict);
  });

  test('parameters to the digit', () => {
    expect(profile(model).params).toBe(entry.params);
  });

  test('FLOPs at 224 to the digit, in both countings, by operator and by stage', () => {
    const counted = profile(model, { imageSize: 224 });
    expect(counted.macs).toBe(entry.flops.mac_only_total);
    expect(counted.flops).toBe(entry.flops.fvcore_style_total);
    const byOperator: Record<string, number> = {};
    for (const { operator, flops } of counted.perLayer)
      byOperator[operator] = (byOperator[operator] ?? 0) + flops;
    expect(byOperator).toEqual(entry.flops.by_operator);
    const byStage = Object.fromEntries(
      [...counted.perStage].filter(([, { flops }]) => flops > 0).map(([stage, { flops }]) => [stage, flops]),
    );
    const recorded = Object.entries(entry.flops.by_stage).map(([stage, { total }]) => [
      stage === 'other' ? 'avgpool' : stage,
      total,
    ]);
    expect(byStage).toEqual(Object.fromEntries(recorded));
  });
});

test('counting allocates no tensors', () => {
  const before = tf.memory().numTensors;
  for (const key of Object.keys(ZOO_MODELS)) profile(zooModel(key));
  expect(tf.memory().numTensors).toBe(before);
});

test('at twice the side a convolutional network does four times the work, up to the head', () => {
  for (const key of ['convnext_t_cvst', 'convnext_iso_s', 'internimage_t']) {
    const [small, large] = [224, 448].map((imageSize) => profile(zooModel(key), { imageSize }));
    for (const [stage, { macs }] of small.perStage) {
      const factor = stage === 'head' ? 1 : 4;
      expect({ key, stage, macs: large.perStage.get(stage)?.macs }).toEqual({
        key,
        stage,
        macs: factor * macs,
      });
    }
    expect(large.params).toBe(small.params);
  }
});

test('a transformer at 384 does the work of 577 tokens', () => {
  const blocks = profile(zooModel('vit_s'), { imageSize: 384 }).perStage.get('blocks');
  const [tokens, width] = [24 * 24 + 1, 384];
  expect(blocks?.macs).toBe(12 * (12 * tokens * width ** 2 + 2 * tokens ** 2 * width));
});

test('a size that is none is refused', () => {
  expect(() => profile(zooModel('vit_s'), { imageSize: 0 })).toThrow(/profile: imageSize must be/);
});

test('the cost of every layer adds up to the totals, and the parameters of the stages to theirs', () => {
  for (const key of Object.keys(ZOO_MODELS)) {
    const counted = profile(zooModel(key), { imageSize: [224, 224] });
    const stages = [...counted.perStage.values()];
    expect(stages.reduce((sum, { params }) => sum + params, 0)).toBe(counted.params);
    expect(stages.reduce((sum, { flops }) => sum + flops, 0)).toBe(counted.flops);
  }
});
