import type { Binding } from 'onnxruntime-node/dist/binding.js';
import { env, type InferenceSession } from 'onnxruntime-common';

import { probeChannelBlock } from './channel-block.js';
import type { EngineArray, EngineModel, EngineSession, SessionRuntime } from './session-runtime.js';

/** How a runtime is opened; everything is optional. */
export interface RuntimeOptions {
  /** ONNX Runtime execution provider; 'cpu' unless told otherwise. */
  readonly provider?: string;
  /** Threads of one operator; ONNX Runtime's own choice (the physical cores) unless told otherwise. */
  readonly threads?: number;
}

/** ONNX Runtime on the calling thread, through the synchronous binding of onnxruntime-node. */
export async function openRuntime({
  provider = 'cpu',
  threads,
}: RuntimeOptions = {}): Promise<SessionRuntime> {
  // Loaded here, not above: platforms without this library must be able to import the package.
  const { binding, initOrt } = await import('onnxruntime-node/dist/binding.js');
  env.logLevel ??= 'fatal';
  initOrt();
  const options = sessionOptions(provider, threads);
  const createSession = (model: EngineModel) =>
    new NodeSession(new binding.InferenceSession(), model, options);
  return {
    provider,
    threads: threads ?? Infinity,
    synchronous: true,
    channelBlock: provider === 'cpu' ? await probeChannelBlock(createSession) : 0,
    createSession,
    createSessionAsync: async (model) => createSession(model),
  };
}

type NativeOptions = InferenceSession.SessionOptions;
type NativeFeeds = Parameters<Binding.InferenceSession['run']>[0];

function sessionOptions(provider: string, threads: number | undefined): NativeOptions {
  return {
    executionProviders: [provider],
    graphOptimizationLevel: 'all',
    logSeverityLevel: 4,
    enableCpuMemArena: true,
    // A memory plan is laid out beside what the first run took from the arena: half as much again or twice the memory.
    enableMemPattern: false,
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    extra: {
      // Weights packed at load time are multiplied in another order: freezing them would change the last bits of results.
      'session.disable_prepacking': '1',
      // Both fusions lose: Gemm spreads its bias on one thread, BiasGelu takes twice as long as Add and Gelu. The transformer makes
      // blocked convolutions of others once their weights are frozen: of that, too, the last bits would tell.
      'optimization.disable_specified_optimizers': 'MatMulAddFusion;BiasGeluFusion;NchwcTransformer',
    },
  };
}

/** A loaded model. The feeds are built once; a run only swaps the arrays in them. */
class NodeSession implements EngineSession {
  private native: Binding.InferenceSession | undefined;
  private readonly feeds: Record<
    string,
    { type: string; dims: readonly number[]; data: EngineArray | undefined; location: 'cpu' }
  > = {};
  private readonly fetches: Record<string, null> = {};
  private readonly inputNames: string[];
  private readonly outputNames: string[];

  constructor(
    native: Binding.InferenceSession,
    { bytes, constants, inputs, outputs }: EngineModel,
    options: NativeOptions,
  ) {
    this.native = native;
    const withConstants = { ...options, externalData: constants };
    native.loadModel(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength, withConstants);
    // Only names are kept: the constants of a model with frozen weights are as large as these.
    this.inputNames = inputs.map(({ name }) => name);
    for (const { name, dtype, shape } of inputs) {
      this.feeds[name] = { type: dtype, dims: shape, data: undefined, location: 'cpu' };
    }
    this.outputNames = outputs.map(({ name }) => name);
    for (const name of this.outputNames) this.fetches[name] = null;
  }

  run(inputs: readonly EngineArray[]): EngineArray[] {
    const { native, feeds } = this;
    if (!native) throw new Error('The session was disposed.');
    this.inputNames.forEach((name, i) => (feeds[name].data = inputs[i]));
    try {
      const results = native.run(feeds as unknown as NativeFeeds, this.fetches, {});
      return this.outputNames.map((name) => (results[name] as unknown as { data: EngineArray }).data);
    } finally {
      for (const name of this.inputNames) feeds[name].data = undefined;
    }
  }

  async runAsync(inputs: readonly EngineArray[]): Promise<EngineArray[]> {
    return this.run(inputs);
  }

  dispose(): void {
    this.native?.dispose();
    this.native = undefined;
  }
}
