import type { InferenceSession, Tensor } from 'onnxruntime-common';
import type * as OrtModule from 'onnxruntime-web/wasm';

import { RevatError } from '@revat/core';

import { probeChannelBlock } from './channel-block.js';
import type { RuntimeOptions } from './node-runtime.js';
import type {
  EngineArray,
  EngineModel,
  EngineSession,
  SessionRuntime,
  ValueInfo,
} from './session-runtime.js';

type Ort = typeof OrtModule;

/** Threads that fail to start would otherwise be waited for without end. */
const START_TIMEOUT_MS = 30_000;

/**
 * ONNX Runtime in a browser, through onnxruntime-web (an optional peer dependency). Its API is asynchronous only:
 * `run` and `createSession` throw. More than one thread needs a cross-origin isolated page. Throws 'unavailable' if
 * onnxruntime-web is not installed.
 */
export async function openRuntime({
  provider = 'wasm',
  threads,
}: RuntimeOptions = {}): Promise<SessionRuntime> {
  const ort = await importOnnxRuntime(provider);
  ort.env.logLevel = 'fatal';
  ort.env.wasm.initTimeout = START_TIMEOUT_MS;
  if (threads !== undefined) ort.env.wasm.numThreads = threads;
  const queue = new CallQueue();
  const createSessionAsync = (model: EngineModel) =>
    queue.add(async () => {
      const options = {
        executionProviders: [provider],
        graphOptimizationLevel: 'all',
        logSeverityLevel: 4,
        externalData: model.constants,
      } as const;
      const session = await ort.InferenceSession.create(model.bytes, options);
      const { inputs, outputs } = model;
      return new WebSession(ort, session, { inputs, outputs }, queue);
    });
  return {
    provider,
    threads: threads ?? Infinity,
    synchronous: false,
    channelBlock: provider === 'wasm' ? await probeChannelBlock(createSessionAsync) : 0,
    createSession: refuse,
    createSessionAsync,
  };
}

async function importOnnxRuntime(provider: string): Promise<Ort> {
  try {
    return provider === 'wasm'
      ? await import('onnxruntime-web/wasm')
      : await import('onnxruntime-web/webgpu');
  } catch (cause) {
    throw new RevatError(
      'unavailable',
      "backend: 'onnx' needs the package onnxruntime-web in browsers. Install it: npm install onnxruntime-web",
      { cause },
    );
  }
}

function refuse(): never {
  throw new RevatError(
    'engine',
    'backend: a browser computes asynchronously: read tensors with `await tensor.data()`, not `dataSync()`.',
  );
}

/** Runs one call after the other: onnxruntime-web refuses a run while another one is under way. */
class CallQueue {
  private last: Promise<unknown> = Promise.resolve();

  add<T>(call: () => Promise<T>): Promise<T> {
    const result = this.last.then(call);
    this.last = result.catch(() => undefined);
    return result;
  }
}

class WebSession implements EngineSession {
  private open = true;

  constructor(
    private readonly ort: Ort,
    private readonly session: InferenceSession,
    private readonly model: Pick<EngineModel, 'inputs' | 'outputs'>,
    private readonly queue: CallQueue,
  ) {}

  run(): never {
    return refuse();
  }

  runAsync(inputs: readonly EngineArray[]): Promise<EngineArray[]> {
    return this.queue.add(async () => {
      if (!this.open) throw new RevatError('engine', 'backend: the session was disposed.');
      const feeds: Record<string, Tensor> = {};
      this.model.inputs.forEach((input, i) => (feeds[input.name] = this.tensor(input, inputs[i])));
      const results = await this.session.run(feeds);
      return Promise.all(
        this.model.outputs.map(async ({ name }) => (await results[name].getData()) as EngineArray),
      );
    });
  }

  dispose(): void {
    void this.queue.add(async () => {
      if (this.open) await this.session.release();
      this.open = false;
    });
  }

  private tensor({ dtype, shape }: ValueInfo, array: EngineArray): Tensor {
    return new this.ort.Tensor(dtype, array, shape);
  }
}
