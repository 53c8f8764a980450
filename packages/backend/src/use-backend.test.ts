import { afterAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';

import { deviceReport } from './devices/device-report.js';
import { OnnxBackend } from './onnx-backend.js';
import { useBackend, type BackendOptions } from './use-backend.js';

afterAll(async () => {
  await useBackend('onnx');
});

describe('useBackend', () => {
  test("'auto' is the engine on the processor where nothing else was installed, and says so", async () => {
    const report = await useBackend('auto');
    expect(report).toMatchObject({ backend: 'onnx', provider: 'cpu', offThread: false, notes: [] });
    expect(report.runtime?.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(report.threads).toBeGreaterThan(0);
    expect(report.cacheBytes).toBeGreaterThanOrEqual(256 * 2 ** 20);
    expect([0, 8, 16]).toContain(report.channelBlock);
    expect(JSON.parse(JSON.stringify(report))).toMatchObject({
      machine: { host: `node ${process.versions.node}` },
    });
  });

  test('the same options keep the engine, others replace it; tensors live on, also those not computed yet', async () => {
    await useBackend('onnx', { threads: 1 });
    const first = tf.findBackend('onnx');
    await useBackend('onnx', { threads: 1 });
    expect(tf.findBackend('onnx')).toBe(first);

    const before = tf.memory().numTensors;
    const written = tf.tensor1d([1, 2, 3]);
    const recorded = tf.sum(tf.ones([300, 300]));
    const report = await useBackend('onnx', { threads: 2, cacheBytes: 1e9 });
    expect(report).toMatchObject({ threads: 2, cacheBytes: 1e9 });
    expect(tf.findBackend('onnx')).not.toBe(first);
    expect(tf.findBackend('onnx')).toBeInstanceOf(OnnxBackend);
    const sum = tf.addN([written, written]);
    expect([...sum.dataSync()]).toEqual([2, 4, 6]);
    expect(recorded.dataSync()[0]).toBe(90_000);
    tf.dispose([written, recorded, sum]);
    expect(tf.memory().numTensors).toBeLessThanOrEqual(before + 1); // tf.ones above
  });

  test('off the main thread, data() leaves timers alive and dataSync() works', async () => {
    await useBackend('onnx', { offThread: true });
    const product = tf.tidy(() => {
      let matrix = tf.fill([600, 600], 1 / 600);
      for (let i = 0; i < 100; i++) matrix = tf.matMul(matrix, tf.fill([600, 600], 1 / 600));
      return matrix;
    });
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const [value] = await product.data();
    clearInterval(timer);
    expect(value).toBeCloseTo(1 / 600, 5);
    expect(ticks).toBeGreaterThan(5);
    expect(tf.tidy(() => tf.sum(product).dataSync()[0])).toBeCloseTo(600, 0);
    product.dispose();
    expect(await useBackend('onnx')).toMatchObject({ offThread: false });
  });

  test('optional backends: loaded on request, else the error says what to install', async () => {
    expect(await useBackend('wasm', { threads: 1 })).toMatchObject({ backend: 'wasm', threads: 1 });
    expect(tf.tidy(() => tf.add(1, 2).dataSync()[0])).toBe(3);
    await expect(useBackend('node-gpu')).rejects.toThrow(
      /Install it: npm install @tensorflow\/tfjs-node-gpu$/,
    );
    expect(tf.getBackend()).toBe('wasm');
    await useBackend('cpu');
    expect(await deviceReport()).toMatchObject({ backend: 'cpu' });
  });

  test.each<[string, BackendOptions, RegExp]>([
    ['tensorrt', {}, /unknown backend "tensorrt"\. Use one of auto, onnx/],
    ['onnx', { provider: 'gpu' as 'cpu' }, /unknown provider "gpu"\. Use one of auto, cpu/],
    ['onnx', { threads: 0 }, /threads must be a whole number from 1 to 1024, got 0/],
    ['onnx', { threads: 1.5 }, /threads must be/],
    ['onnx', { cacheBytes: -1 }, /cacheBytes must be > 0/],
    ['onnx', { provider: 'cuda' }, /'cuda' cannot be used here: .*not installed\. Download it: node /],
    ['onnx', { provider: 'wasm' }, /has no such provider\. It has cpu/],
  ])('%s %j is refused: %p', async (name, options, message) => {
    await expect(useBackend(name as 'onnx', options)).rejects.toThrow(message);
  });

  test('the report measures the matrix multiplication peak if asked', async () => {
    await useBackend('onnx');
    expect((await deviceReport({ measurePeak: true })).peakGflops).toBeGreaterThan(1);
    expect((await deviceReport()).peakGflops).toBeUndefined();
  });
});
