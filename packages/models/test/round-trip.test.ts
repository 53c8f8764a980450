/** Load, export, load: the same bytes per tensor under the same names, for every family. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from '@jest/globals';
import { encodeWeights, loadWeights, readSafetensors, type NamedTensor } from '@revat/models';
import { fixture } from './fixture-files.js';
import { GOLDEN_MODELS, goldenModel } from './golden-models.js';

function hex(tensors: ReadonlyMap<string, NamedTensor>): Record<string, string> {
  const entries = [...tensors].map(([name, { dtype, shape, data }]) => {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');
    return [name, `${dtype} [${shape}] ${bytes}`] as const;
  });
  return Object.fromEntries(entries);
}

test.each(Object.keys(GOLDEN_MODELS))('%s', async (name) => {
  const before = tf.memory().numTensors;
  const file = fixture('goldens', `${name}.weights.safetensors`);
  const original = hex((await readSafetensors(file)).tensors);
  const first = goldenModel(name);
  await loadWeights(first, file);
  const exported = await encodeWeights(first);
  expect(hex((await readSafetensors(exported)).tensors)).toEqual(original);

  const second = goldenModel(name);
  const report = await loadWeights(second, exported);
  expect(report).toMatchObject({ naming: 'timm', prefix: '', missing: [], unexpected: [], mismatched: [] });
  expect(hex((await readSafetensors(await encodeWeights(second))).tensors)).toEqual(original);
  first.dispose();
  second.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
