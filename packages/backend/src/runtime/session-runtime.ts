/** The element types that the engine computes with; everything else stays on the CPU kernels. */
export type EngineDtype = 'float32' | 'int32' | 'bool';

/** Backing store of a tensor: bool tensors hold one byte an element. */
export type EngineArray = Float32Array | Int32Array | Uint8Array;

/** An input or output of a model: always of a fixed shape. */
export interface ValueInfo {
  readonly name: string;
  readonly dtype: EngineDtype;
  readonly shape: readonly number[];
}

/** A large constant of a model; `path` is how the model's bytes refer to it (ONNX: external data). */
export interface EngineConstant {
  readonly path: string;
  readonly data: Uint8Array;
}

/**
 * A model to run: its ONNX bytes and large constants, which are read when a session is created, and its inputs and outputs in the
 * order in which `run` takes and returns them.
 */
export interface EngineModel {
  readonly bytes: Uint8Array;
  readonly constants: readonly EngineConstant[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

/**
 * A loaded model. Inputs are read in place and must not change until the run has ended; outputs are fresh arrays of
 * exactly the declared sizes, owned by the caller.
 */
export interface EngineSession {
  /** Throws where the runtime cannot compute on the calling thread (`SessionRuntime.synchronous` is false). */
  run(inputs: readonly EngineArray[]): EngineArray[];
  /** May run elsewhere (a worker thread, a GPU), leaving the event loop free. */
  runAsync(inputs: readonly EngineArray[]): Promise<EngineArray[]>;
  /** Frees the session after the runs under way; calling it twice is harmless. */
  dispose(): void;
}

/** How the planner reaches ONNX Runtime, whatever package, thread or device that is. */
export interface SessionRuntime {
  /** The execution provider in use, e.g. 'cpu', 'webgpu', 'cuda', 'wasm'. */
  readonly provider: string;
  /** Whether `createSession` and `run` work; where false, only `createSessionAsync` and `runAsync` do. */
  readonly synchronous: boolean;
  /** Channels in a block of the `com.microsoft.nchwc` operators on this machine; 0 where they are absent. */
  readonly channelBlock: number;
  /** The threads of one operator, at most; Infinity if that is unknown. */
  readonly threads: number;
  createSession(model: EngineModel): EngineSession;
  createSessionAsync(model: EngineModel): Promise<EngineSession>;
}
