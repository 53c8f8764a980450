import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

// A worker thread runs built files: so does this test.
import { openWorkerRuntime, type WorkerRuntime } from '../../dist/runtime/worker-runtime.js';
import { GraphBuilder } from '../onnx/graph-builder.js';
import { engineModel } from '../onnx/engine-model.js';
import { ResidentArrays } from './resident-arrays.js';

const SIZE = 768;

/** scale * a * b^multiplications. */
function productModel(multiplications: number) {
  const graph = new GraphBuilder();
  const a = graph.input('float32', [SIZE, SIZE]);
  const b = graph.input('float32', [SIZE, SIZE]);
  let product = a;
  for (let i = 0; i < multiplications; i++) product = graph.op('MatMul', [product, b], [SIZE, SIZE]);
  graph.output(product);
  return engineModel(graph);
}

const filled = (value: number) => new Float32Array(SIZE * SIZE).fill(value);

describe('worker runtime', () => {
  let runtime: WorkerRuntime;
  beforeAll(async () => {
    runtime = await openWorkerRuntime({ threads: 1 });
  });
  afterAll(() => runtime.close());

  test('timers fire while a run is under way', async () => {
    const session = runtime.createSession(productModel(60));
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    const [product] = await session.runAsync([filled(2), filled(1 / SIZE)]);
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(5);
    expect(product[0]).toBeCloseTo(2, 3);
    session.dispose();
  });

  test('blocking and asynchronous runs interleave and leave the inputs alone', async () => {
    const session = await runtime.createSessionAsync(productModel(1));
    const weights = filled(1 / SIZE);
    const later = session.runAsync([filled(3), weights]);
    const [now] = session.run([filled(5), weights]);
    expect(now[7]).toBeCloseTo(5, 4);
    expect((await later)[0][7]).toBeCloseTo(3, 4);
    expect(weights).toHaveLength(SIZE * SIZE);
    session.dispose();
    session.dispose();
    expect(() => session.run([weights, weights])).toThrow(/disposed/);
  });

  test('a failing call says why, and the next one works', async () => {
    const session = runtime.createSession(productModel(1));
    expect(() => session.run([filled(1), new Float32Array(3)])).toThrow();
    await expect(session.runAsync([filled(1), new Float32Array(3)])).rejects.toThrow();
    expect(session.run([filled(1), filled(1)])[0][0]).toBeCloseTo(SIZE, 2);
    session.dispose();
  });

  test('a runtime that was closed fails its calls', async () => {
    const closed = await openWorkerRuntime({ threads: 1 });
    const session = closed.createSession(productModel(1));
    await closed.close();
    await expect(session.runAsync([filled(1), filled(1)])).rejects.toThrow(/worker thread has ended/);
    session.dispose();
  });
});

describe('resident arrays', () => {
  test('an array is sent once while a slot of any session holds it', () => {
    const arrays = new ResidentArrays();
    const [forward, gradient] = [arrays.slots(), arrays.slots()];
    const weights = Float32Array.of(1);
    const images = [Float32Array.of(2), Float32Array.of(3)];
    expect(forward.fill([images[0], weights]).inputs.map(({ array }) => array !== undefined)).toEqual([
      true,
      true,
    ]);
    expect(gradient.fill([images[0], weights]).inputs.map(({ array }) => array !== undefined)).toEqual([
      false,
      false,
    ]);
    expect(forward.fill([images[1], weights])).toEqual({
      inputs: [{ resident: 2, array: images[1] }, { resident: 1 }],
      forget: [],
    });
    expect(gradient.fill([images[1], weights]).forget).toEqual([0]);
    expect(forward.clear()).toEqual([]);
    expect(gradient.clear()).toEqual([2, 1]);
    expect(forward.fill([weights]).inputs[0]).toEqual({ resident: 3, array: weights });
  });

  test('what is sent is a copy', () => {
    const weights = Float32Array.of(1);
    const { array } = new ResidentArrays().slots().fill([weights]).inputs[0];
    weights[0] = 9;
    expect(array?.[0]).toBe(1);
  });
});
