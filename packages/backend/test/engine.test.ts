import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers';

import { flush, freeze, resetStats, stats, unfreeze } from '../src/engine-control.js';
import { openRuntime } from '../src/runtime/node-runtime.js';
import type { SessionRuntime } from '../src/runtime/session-runtime.js';
import { sample, startEngine } from './engines.js';

const network = (x: tf.Tensor, w: tf.Tensor): tf.Tensor => tf.softmax(tf.matMul(tf.tanh(x), w));

beforeEach(() => startEngine({ smallGraphShortcut: false }));
afterAll(() => tf.setBackend('cpu'));

describe('laziness', () => {
  test('nothing is computed until a value is read; then all that is live is, in one run', () => {
    const a = sample([4, 4], 1);
    const [b, c, d] = [tf.exp(a), tf.add(a, 1), tf.mul(a, 2)];
    expect(stats().runs).toBe(0);
    d.dispose();
    b.dataSync();
    c.dataSync();
    expect(stats().runs).toBe(1);
    tf.dispose([a, b, c]);
  });

  test('flush computes what is live, and reading afterwards runs nothing', () => {
    const a = sample([4, 4], 1);
    const b = tf.exp(a);
    flush();
    const { runs } = stats();
    expect(runs).toBe(1);
    b.dataSync();
    expect(stats().runs).toBe(runs);
    tf.dispose([a, b]);
  });

  test('what only open tidy scopes hold, inside the graph, is not handed out', async () => {
    const base = await openRuntime({ threads: 1 });
    const outputs: number[] = [];
    const counting: SessionRuntime = {
      ...base,
      createSession: (model) => {
        outputs.push(model.outputs.length);
        return base.createSession(model);
      },
    };
    await startEngine({ smallGraphShortcut: false, runtime: counting });
    tf.tidy(() => {
      const x = sample([4, 4], 1);
      const hidden = tf.exp(tf.tanh(x));
      const kept = tf.keep(tf.sigmoid(hidden));
      tf.sum(kept).dataSync();
      kept.dispose();
    });
    expect(outputs).toEqual([2]);
  });

  test('the caller may change its array after making a tensor', () => {
    const array = Float32Array.of(1, 2, 3);
    const x = tf.tensor1d(array);
    const y = tf.exp(x);
    array.fill(100);
    expect(y.dataSync()[2]).toBeCloseTo(Math.exp(3), 4);
    tf.dispose([x, y]);
  });

  test('a call that comes again runs a cached plan', () => {
    const w = sample([6, 3], 9);
    for (let step = 0; step < 4; step++) {
      tf.tidy(() => network(sample([5, 6], step), w).dataSync());
    }
    expect(stats()).toMatchObject({ compiles: 1, runs: 4, plans: 1 });
    w.dispose();
  });

  test('other attributes, infinities included, make another plan', () => {
    const x = sample([4], 1);
    const low = tf.clipByValue(x, -Infinity, 0).dataSync();
    const high = tf.clipByValue(x, 0, Infinity).dataSync();
    expect(Math.max(...low)).toBeLessThanOrEqual(0);
    expect(Math.min(...high)).toBeGreaterThanOrEqual(0);
    tf.disposeVariables();
    x.dispose();
  });

  test('data() and dataSync() agree, also when several are awaited at once', async () => {
    const x = sample([8], 1);
    const outputs = [tf.exp(x), tf.tanh(x), tf.sin(x)];
    const awaited = await Promise.all(outputs.map((output) => output.data()));
    outputs.forEach((output, i) => expect(awaited[i]).toEqual(output.dataSync()));
    tf.dispose([x, ...outputs]);
  });

  test('time() includes the computation', async () => {
    const x = sample([300, 300], 1);
    const { kernelMs } = await tf.time(() => tf.matMul(x, x));
    expect(stats().runs).toBe(1);
    expect(kernelMs).toBeGreaterThan(0);
    x.dispose();
  });
});

describe('small graphs', () => {
  test('run on the CPU kernels when these give the same bits, and only then', async () => {
    await startEngine({ smallGraphShortcut: true });
    const x = sample([4], 1);
    tf.add(x, 1).dataSync();
    expect(stats()).toMatchObject({ smallGraphs: 1, runs: 0 });
    tf.exp(x).dataSync();
    expect(stats()).toMatchObject({ smallGraphs: 1, runs: 1 });
    x.dispose();
  });

  test('leave the count of tensors alone', async () => {
    await startEngine({ smallGraphShortcut: true });
    const { numTensors } = tf.memory();
    tf.tidy(() => tf.abs(tf.add(sample([4], 1), 1)).dataSync());
    expect(tf.memory().numTensors).toBe(numTensors);
  });
});

describe('failures', () => {
  /** A runtime that cannot run graphs of one kernel. */
  async function refusing(kernel: string): Promise<SessionRuntime> {
    const base = await openRuntime({ threads: 1 });
    return {
      ...base,
      createSession: (model) => {
        const label = new RegExp(`${kernel}#\\d+\\.\\d+`).exec(new TextDecoder('latin1').decode(model.bytes));
        if (label) throw new Error(`no room for ${label[0]}`);
        return base.createSession(model);
      },
    };
  }

  test('name the kernel, its input shapes and the cause; other tensors are unaffected', async () => {
    await startEngine({ smallGraphShortcut: false, runtime: await refusing('Tanh') });
    const x = sample([2, 3], 1);
    const bad = tf.tanh(x);
    const good = tf.exp(x);
    expect(Array.from(good.dataSync())).toHaveLength(6);
    expect(() => bad.dataSync()).toThrow(/^The engine failed to compute Tanh\(\[2,3\]\): no room for Tanh/);
    const dependent = tf.add(bad, 1);
    expect(() => dependent.dataSync()).toThrow(/Tanh/);
    const later = tf.sigmoid(x);
    expect(later.dataSync()).toHaveLength(6);
    await expect(bad.data()).rejects.toMatchObject({ code: 'engine', details: { kernel: 'Tanh' } });
    tf.dispose([x, bad, good, dependent, later]);
  });

  test('an index out of bounds is refused where it is used', () => {
    const x = sample([3, 2], 1);
    expect(() => tf.gather(x, tf.tensor1d([3], 'int32'))).toThrow(/index value 3 is not in \[0, 2\]/);
    x.dispose();
  });
});

describe('freezing', () => {
  const step = (w: tf.Tensor, seed: number): Float32Array =>
    tf.tidy(() =>
      network(sample([5, 6], seed), w)
        .dataSync()
        .slice(),
    ) as Float32Array;

  test('a variable that stays the same is frozen by itself, and thawed for good when it changes', () => {
    const w = tf.variable(sample([6, 3], 9));
    const first = step(w, 1);
    for (let i = 0; i < 3; i++) step(w, i);
    expect(stats().compiles).toBe(2);
    expect(step(w, 1)).toEqual(first);
    w.assign(tf.mul(w, 2));
    const changed = step(w, 1);
    expect(changed).not.toEqual(first);
    step(w, 0); // The plan with w as an input was dropped when w was frozen.
    const { compiles } = stats();
    for (let i = 0; i < 6; i++) step(w, i);
    expect(stats().compiles).toBe(compiles);
    w.dispose();
  });

  test('freeze and unfreeze do so on request', () => {
    const w = sample([6, 3], 9);
    const first = step(w, 1);
    freeze([w]);
    expect(step(w, 1)).toEqual(first);
    expect(stats()).toMatchObject({ compiles: 2, plans: 2 });
    unfreeze([w]);
    expect(stats().plans).toBe(1);
    w.dispose();
  });
});

describe('memory', () => {
  test('plans are evicted by bytes', async () => {
    await startEngine({ smallGraphShortcut: false, cacheBytes: 200_000 });
    const x = sample([100, 100], 1);
    for (let factor = 1; factor <= 8; factor++) tf.leakyRelu(x, factor / 10).dataSync();
    expect(stats().evictions).toBeGreaterThan(0);
    expect(stats().planBytes).toBeLessThanOrEqual(200_000);
    x.dispose();
  });

  test('500 training steps with alternating batch sizes leave nothing behind', () => {
    const weights = tf.variable(sample([12, 4], 1));
    const optimizer = tf.train.adam(0.01);
    const train = (batch: number, seed: number): number =>
      tf.tidy(() => {
        const x = sample([batch, 12], seed);
        const cost = optimizer.minimize(
          () => tf.mean(tf.square(tf.tanh(tf.matMul(x, weights as tf.Tensor2D)))),
          true,
        );
        return cost!.dataSync()[0];
      });
    for (let i = 0; i < 20; i++) train(i % 2 === 0 ? 8 : 5, i);
    const { numTensors } = tf.memory();
    const { plans, compiles, planBytes } = stats();
    resetStats();
    for (let i = 0; i < 480; i++) train(i % 2 === 0 ? 8 : 5, i);
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(stats()).toMatchObject({ plans, planBytes, compiles: 0 });
    expect(compiles).toBeLessThan(12);
    weights.dispose();
    optimizer.dispose();
  });

  test('a training loop that reads nothing is cut into steps that come again', () => {
    const weights = tf.variable(sample([12, 4], 1));
    const optimizer = tf.train.adam(0.01);
    const x = sample([8, 12], 1);
    for (let i = 0; i < 200; i++) {
      optimizer.minimize(() => tf.mean(tf.square(tf.tanh(tf.matMul(x, weights as tf.Tensor2D)))));
    }
    expect(stats().runs).toBeGreaterThan(3);
    expect(stats().compiles).toBeLessThan(4);
    tf.dispose([x, weights]);
    optimizer.dispose();
  });

  test('calls whose results are disposed unread are forgotten', () => {
    const x = sample([4], 1);
    for (let i = 0; i < 10_000; i++) tf.exp(x).dispose();
    expect(stats().runs).toBe(0);
    tf.exp(x).dataSync();
    expect(stats().runs).toBe(1);
    x.dispose();
  });
});
