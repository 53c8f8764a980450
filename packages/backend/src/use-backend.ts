import * as tf from '@tensorflow/tfjs-core';
import { isRevatError, RevatError } from '@revat/core';
import {
  describeMachine,
  openWorkerRuntime,
  preferredProvider,
  probeProvider,
  BASE_PROVIDER,
} from '#platform';
import { openRuntime } from '#runtime';

import { parseBackendName, type BackendName } from './devices/backend-name.js';
import {
  deviceReport,
  rememberChoice,
  type DeviceChoice,
  type DeviceReport,
} from './devices/device-report.js';
import { PROVIDER_NAMES, type ProviderName } from './devices/execution-provider.js';
import { activateOptionalBackend } from './devices/optional-backends.js';
import { OnnxBackend } from './onnx-backend.js';
import { ONNX_BACKEND, registerOnnxBackend } from './register-onnx-backend.js';
import type { SessionRuntime } from './runtime/session-runtime.js';

/** All optional. `provider`, `offThread` and `cacheBytes` concern 'onnx' alone, `threads` also 'wasm'. */
export interface BackendOptions {
  /**
   * ONNX Runtime's execution provider. 'auto', the default, is CUDA where its libraries were installed and pass a probe,
   * else the processor.
   */
  readonly provider?: ProviderName | 'auto';
  /** Threads of one operator, 1 to 1024; all cores of the process unless told otherwise. */
  readonly threads?: number;
  /**
   * Computes in a worker thread, so that `await tensor.data()` leaves timers, progress and Ctrl-C alive; `dataSync()`
   * still works, and waits. Costs a copy of the inputs that change. Off by default.
   */
  readonly offThread?: boolean;
  /** Bytes that compiled graphs may hold; unless told otherwise a quarter of the memory, 256 MiB to 16 GiB. */
  readonly cacheBytes?: number;
}

/** What 'auto' tries, in this order. */
const NODE_ORDER = ['onnx', 'wasm', 'cpu'] as const;
const BROWSER_ORDER = ['webgpu', 'webgl', 'onnx', 'wasm', 'cpu'] as const;
const MAX_THREADS = 1024;

/** The running 'onnx' backend's options and runtime. */
let running: { readonly choice: DeviceChoice; readonly runtime: SessionRuntime } | undefined;

/**
 * Makes a backend of TensorFlow.js current and reports what was chosen. Tensors made on another backend stay usable.
 * Throws 'unknown-name' or 'invalid-argument' on bad options, and 'unavailable', saying what to install, where the
 * backend cannot run. 'auto' takes the first that can: in Node 'onnx', 'wasm', 'cpu'; in browsers 'webgpu', 'webgl' (if
 * their packages are there), 'onnx', 'wasm', 'cpu'.
 */
export async function useBackend(
  name: BackendName = 'auto',
  options: BackendOptions = {},
): Promise<DeviceReport> {
  const backend = parseBackendName(name);
  checkOptions(options);
  if (backend === 'auto') await activateFirst(options);
  else await activate(backend, options, []);
  return deviceReport();
}

function checkOptions({ provider = 'auto', threads = 1, cacheBytes = 1 }: BackendOptions): void {
  if (provider !== 'auto' && !PROVIDER_NAMES.includes(provider)) {
    const known = ['auto', ...PROVIDER_NAMES].join(', ');
    throw new RevatError('unknown-name', `backend: unknown provider "${provider}". Use one of ${known}.`);
  }
  if (!Number.isInteger(threads) || threads < 1 || threads > MAX_THREADS) {
    const message = `backend: threads must be a whole number from 1 to ${MAX_THREADS}, got ${threads}.`;
    throw new RevatError('invalid-argument', message);
  }
  if (!(cacheBytes > 0)) {
    throw new RevatError('invalid-argument', `backend: cacheBytes must be > 0, got ${cacheBytes}.`);
  }
}

async function activateFirst(options: BackendOptions): Promise<void> {
  const notes: string[] = [];
  for (const name of describeMachine().host === 'browser' ? BROWSER_ORDER : NODE_ORDER) {
    try {
      await activate(name, options, notes);
      return;
    } catch (error) {
      if (!isRevatError(error) || error.code !== 'unavailable') throw error;
      notes.push(`'${name}' was passed over. ${error.message}`);
    }
  }
  throw new RevatError('unavailable', `backend: none can run here. ${notes.join(' ')}`);
}

async function activate(
  name: Exclude<BackendName, 'auto'>,
  options: BackendOptions,
  notes: string[],
): Promise<void> {
  if (name === 'onnx') return activateOnnx(options, notes);
  await activateOptionalBackend(name, options);
  rememberChoice({ name, threads: options.threads, notes });
}

async function activateOnnx(options: BackendOptions, notes: string[]): Promise<void> {
  const { offThread = false, threads = describeMachine().cores, cacheBytes } = options;
  const provider = await chooseProvider(options.provider ?? 'auto', notes);
  const choice: DeviceChoice = { name: 'onnx', provider, threads, offThread, cacheBytes, notes };
  if (!isRunning(choice)) await start(choice, await open(choice));
  await tf.setBackend(ONNX_BACKEND);
  rememberChoice(choice);
}

/** The provider to open. All but the processor must pass a probe first. */
async function chooseProvider(wanted: ProviderName | 'auto', notes: string[]): Promise<ProviderName> {
  if (wanted === 'auto') {
    const { provider, note } = await preferredProvider();
    if (note) notes.push(note);
    return provider;
  }
  if (wanted === BASE_PROVIDER) return wanted;
  const { usable, reason, advice } = await probeProvider(wanted);
  if (usable) return wanted;
  const message = `backend: the provider '${wanted}' cannot be used here: ${reason}. ${advice ?? ''}`.trim();
  throw new RevatError('unavailable', message, { details: { provider: wanted } });
}

async function open({ provider, threads, offThread }: DeviceChoice): Promise<SessionRuntime> {
  try {
    return await (offThread ? openWorkerRuntime : openRuntime)({ provider, threads });
  } catch (cause) {
    if (isRevatError(cause) && cause.code === 'unavailable') throw cause;
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    const message = `backend: ONNX Runtime cannot be loaded: ${reason}. Reinstall onnxruntime-node, or use 'wasm' or 'cpu'.`;
    throw new RevatError('unavailable', message, { cause });
  }
}

function isRunning(choice: DeviceChoice): boolean {
  if (!running || !(tf.findBackend(ONNX_BACKEND) instanceof OnnxBackend)) return false;
  const { provider, threads, offThread, cacheBytes } = running.choice;
  return (
    provider === choice.provider &&
    threads === choice.threads &&
    offThread === choice.offThread &&
    cacheBytes === choice.cacheBytes
  );
}

/** Replaces the engine; what the old one still had to compute is computed first, for its tensors live on. */
async function start(choice: DeviceChoice, runtime: SessionRuntime): Promise<void> {
  const previous = tf.findBackend(ONNX_BACKEND);
  if (previous instanceof OnnxBackend) previous.flush();
  registerOnnxBackend({ runtime, cacheBytes: choice.cacheBytes });
  if (running && 'close' in running.runtime) await (running.runtime as ClosableRuntime).close();
  running = { choice, runtime };
}

interface ClosableRuntime extends SessionRuntime {
  close(): Promise<void>;
}
