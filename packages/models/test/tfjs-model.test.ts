import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { loadTfjsModel } from '@revat/models';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'revat-tfjs-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function write(name: string, content: string | Uint8Array): void {
  writeFileSync(path.join(folder, name), content);
}

/** Weights as tfjs writes them: 4 x 3 matrix and 3 biases, in two files. */
const MATRIX = Float32Array.from({ length: 12 }, (_, i) => i / 10 - 0.5);
const BIAS = Float32Array.of(1, -1, 0.5);

function writeWeights(): void {
  write('group1-shard1of2.bin', new Uint8Array(MATRIX.buffer));
  write('group1-shard2of2.bin', new Uint8Array(BIAS.buffer));
}

function manifest(matrix: string, bias: string): unknown {
  return [
    {
      paths: ['group1-shard1of2.bin', 'group1-shard2of2.bin'],
      weights: [
        { name: matrix, shape: [4, 3], dtype: 'float32' },
        { name: bias, shape: [3], dtype: 'float32' },
      ],
    },
  ];
}

const images = (): tf.Tensor4D =>
  tf.tensor4d(
    Float32Array.from({ length: 8 }, (_, i) => i / 8),
    [2, 2, 2, 1],
  );

function expectedLogits(): number[] {
  return tf.tidy(() => {
    const rows = tf.reshape(images(), [2, 4]); // [B,2,2,1] -> [B,4]
    return Array.from(tf.add(tf.matMul(rows as tf.Tensor2D, tf.tensor2d(MATRIX, [4, 3])), BIAS).dataSync());
  });
}

async function expectLogits(source: string): Promise<void> {
  const model = await loadTfjsModel(source);
  const logits = tf.tidy(() => Array.from((model.predict(images()) as tf.Tensor).dataSync()));
  expectedLogits().forEach((value, i) => expect(logits[i]).toBeCloseTo(value, 5));
  const gradient = tf.tidy(() =>
    tf
      .grad((x) => tf.sum(model.predict(x) as tf.Tensor))(images())
      .dataSync(),
  );
  expect(gradient.some((value) => value !== 0)).toBe(true);
  model.dispose();
}

describe('loadTfjsModel', () => {
  test('a layers model, by its file and by its folder', async () => {
    const made = sequential({
      layers: [layers.flatten({ inputShape: [2, 2, 1] }), layers.dense({ units: 3, name: 'head' })],
    });
    const modelTopology: unknown = made.toJSON(null, false);
    made.dispose();
    writeWeights();
    write(
      'model.json',
      JSON.stringify({
        format: 'layers-model',
        modelTopology,
        weightsManifest: manifest('head/kernel', 'head/bias'),
      }),
    );
    await expectLogits(path.join(folder, 'model.json'));
    await expectLogits(folder);
  });

  test('a graph model', async () => {
    const float = { dtype: { type: 'DT_FLOAT' } };
    const shape = (...sizes: number[]): unknown => ({
      shape: { shape: { dim: sizes.map((size) => ({ size: String(size) })) } },
    });
    const node = [
      { name: 'images', op: 'Placeholder', attr: { ...float, ...(shape(-1, 2, 2, 1) as object) } },
      {
        name: 'rows/shape',
        op: 'Const',
        attr: {
          dtype: { type: 'DT_INT32' },
          value: { tensor: { dtype: 'DT_INT32', tensorShape: { dim: [{ size: '2' }] } } },
        },
      },
      {
        name: 'matrix',
        op: 'Const',
        attr: {
          ...float,
          value: { tensor: { dtype: 'DT_FLOAT', tensorShape: { dim: [{ size: '4' }, { size: '3' }] } } },
        },
      },
      {
        name: 'bias',
        op: 'Const',
        attr: { ...float, value: { tensor: { dtype: 'DT_FLOAT', tensorShape: { dim: [{ size: '3' }] } } } },
      },
      { name: 'rows', op: 'Reshape', input: ['images', 'rows/shape'], attr: { T: { type: 'DT_FLOAT' } } },
      { name: 'product', op: 'MatMul', input: ['rows', 'matrix'], attr: { T: { type: 'DT_FLOAT' } } },
      {
        name: 'logits',
        op: 'BiasAdd',
        input: ['product', 'bias'],
        attr: { T: { type: 'DT_FLOAT' }, data_format: { s: 'TkhXQw==' } },
      },
    ];
    writeWeights();
    write('shape.bin', new Uint8Array(Int32Array.of(-1, 4).buffer));
    const groups = [
      ...(manifest('matrix', 'bias') as unknown[]),
      { paths: ['shape.bin'], weights: [{ name: 'rows/shape', shape: [2], dtype: 'int32' }] },
    ];
    write(
      'model.json',
      JSON.stringify({
        format: 'graph-model',
        modelTopology: { node, versions: {} },
        weightsManifest: groups,
      }),
    );
    await expectLogits(folder);
  });

  test.each([
    ['not JSON', 'hello', /is not JSON/],
    ['another JSON', '{"a": 1}', /is no tfjs model/],
    ['null', 'null', /is no tfjs model/],
    [
      'a path out of the folder',
      '{"modelTopology": {}, "weightsManifest": [{"paths": ["../secret.bin"], "weights": []}]}',
      /outside its folder/,
    ],
    [
      'an absolute path',
      '{"modelTopology": {}, "weightsManifest": [{"paths": ["/etc/passwd"], "weights": []}]}',
      /outside its folder/,
    ],
    [
      'a missing weight file',
      '{"modelTopology": {}, "weightsManifest": [{"paths": ["x.bin"], "weights": []}]}',
      /x\.bin: cannot read: no such file/,
    ],
  ])('%s is refused', async (_, content, message) => {
    write('model.json', content);
    await expect(loadTfjsModel(folder)).rejects.toThrow(message);
  });
});
