import { engineModel } from '../onnx/engine-model.js';
import { GraphBuilder } from '../onnx/graph-builder.js';
import type { Value } from '../onnx/value.js';
import type { SessionRuntime } from '../runtime/session-runtime.js';

const SIZE = 1024;
/** Products in one run: enough that what surrounds them does not count. */
const CHAIN = 8;
const MEASURING_MS = 800;

/**
 * The runtime's measured peak in GFLOP/s: float32 products of 1024 x 1024 matrices, the best of the runs in 0.8 s. The
 * yardstick of the benchmarks: a network cannot be computed faster than its multiply-accumulates at this rate.
 */
export async function measureMatrixMultiplyPeak(runtime: SessionRuntime): Promise<number> {
  const session = await runtime.createSessionAsync(chainOfProducts());
  const matrices = [
    new Float32Array(SIZE * SIZE).fill(1 / SIZE),
    new Float32Array(SIZE * SIZE).fill(1 / SIZE),
  ];
  let best = Infinity;
  try {
    await session.runAsync(matrices);
    for (const end = performance.now() + MEASURING_MS; performance.now() < end;) {
      const start = performance.now();
      await session.runAsync(matrices);
      best = Math.min(best, performance.now() - start);
    }
  } finally {
    session.dispose();
  }
  return (CHAIN * 2 * SIZE ** 3) / (best * 1e6);
}

function chainOfProducts() {
  const graph = new GraphBuilder();
  const left = graph.input('float32', [SIZE, SIZE]);
  const right = graph.input('float32', [SIZE, SIZE]);
  let product: Value = left;
  for (let i = 0; i < CHAIN; i++) product = graph.op('MatMul', [product, right], [SIZE, SIZE]);
  graph.output(graph.op('ReduceMax', [product], [], { attributes: { keepdims: 0 } }));
  return engineModel(graph);
}
