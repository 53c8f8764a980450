import * as tf from '@tensorflow/tfjs-core';

import { RevatError } from '@revat/core';

import { restoreNodeUtil } from '#platform';

import type { BackendName } from './backend-name.js';

export type OptionalBackendName = Exclude<BackendName, 'auto' | 'onnx'>;

/** A backend of tfjs that lives in a package of its own, loaded only when it is asked for. */
export interface OptionalBackend {
  readonly packageName: string;
  /** The name under which the package registers itself with tfjs. */
  readonly registeredName: string;
  /** What its user gains or misses. */
  readonly remark: string;
  readonly load: () => Promise<unknown>;
}

const TENSORFLOW = 'tensorflow';

/** Bundlers take an import whose failure is caught for an optional one; without this they want every package. */
const rethrow = (cause: unknown): never => {
  throw cause;
};

export const OPTIONAL_BACKENDS: Readonly<Record<OptionalBackendName, OptionalBackend>> = {
  'node-gpu': {
    packageName: '@tensorflow/tfjs-node-gpu',
    registeredName: TENSORFLOW,
    remark: 'TensorFlow 2.9 on CUDA 11.2 and cuDNN 8; no longer maintained',
    load: () => loadForNode(() => import('@tensorflow/tfjs-node-gpu').catch(rethrow)),
  },
  node: {
    packageName: '@tensorflow/tfjs-node',
    registeredName: TENSORFLOW,
    remark: 'TensorFlow 2.9 on the CPU; no longer maintained',
    load: () => loadForNode(() => import('@tensorflow/tfjs-node').catch(rethrow)),
  },
  wasm: {
    packageName: '@tensorflow/tfjs-backend-wasm',
    registeredName: 'wasm',
    remark: 'cannot differentiate convolutions: no attacks by gradient, no training',
    load: () => import('@tensorflow/tfjs-backend-wasm').catch(rethrow),
  },
  webgpu: {
    packageName: '@tensorflow/tfjs-backend-webgpu',
    registeredName: 'webgpu',
    remark: 'browsers with WebGPU',
    load: () => import('@tensorflow/tfjs-backend-webgpu').catch(rethrow),
  },
  webgl: {
    packageName: '@tensorflow/tfjs-backend-webgl',
    registeredName: 'webgl',
    remark: 'browsers; half precision on some phones',
    load: () => import('@tensorflow/tfjs-backend-webgl').catch(rethrow),
  },
  cpu: {
    packageName: '@tensorflow/tfjs-backend-cpu',
    registeredName: 'cpu',
    remark: 'plain JavaScript: slow, works everywhere',
    load: () => import('@tensorflow/tfjs-backend-cpu'),
  },
};

/** The npm package that has brought TensorFlow's native library into this process. */
let tensorflowPackage: string | undefined;

/**
 * Loads a backend's package and makes the backend current. Throws 'unavailable' with what to install if the package is
 * not there, and with its own message if it cannot start here.
 */
export async function activateOptionalBackend(
  name: OptionalBackendName,
  { threads }: { readonly threads?: number } = {},
): Promise<void> {
  const { packageName, registeredName, load } = OPTIONAL_BACKENDS[name];
  refuseSecondTensorflow(name);
  let module: BackendModule;
  try {
    module = (await load()) as BackendModule;
  } catch (cause) {
    throw loadFailure(name, packageName, cause);
  }
  if (threads !== undefined) module.setThreadsCount?.(threads);
  if (registeredName === TENSORFLOW) tensorflowPackage = packageName;
  if (await starts(registeredName)) return;
  throw new RevatError(
    'unavailable',
    `backend: ${packageName} is installed, but its backend '${registeredName}' does not start here. ` +
      "Use another one, e.g. 'auto'.",
  );
}

/** What this needs of a backend's package: tfjs-backend-wasm alone has threads to set. */
interface BackendModule {
  setThreadsCount?(threads: number): void;
}

/** tfjs-node and tfjs-node-gpu register the same name: the second one loaded would silently be the first. */
function refuseSecondTensorflow(name: OptionalBackendName): void {
  const { packageName, registeredName } = OPTIONAL_BACKENDS[name];
  if (registeredName !== TENSORFLOW || (tensorflowPackage ?? packageName) === packageName) return;
  const message = `backend: ${tensorflowPackage} is loaded already, and a process can hold only one TensorFlow. Start another process for '${name}'.`;
  throw new RevatError('unavailable', message);
}

async function starts(registeredName: string): Promise<boolean> {
  try {
    return await tf.setBackend(registeredName);
  } catch {
    return false;
  }
}

/** Its details hold the command that installs the package, if the package is what is missing. */
function loadFailure(name: string, packageName: string, cause: unknown): RevatError {
  const { code = '', message = '' } = cause as { code?: string; message?: string };
  if (!code.endsWith('MODULE_NOT_FOUND') || !message.includes(packageName)) {
    const text = `backend: ${packageName} cannot be loaded: ${message.split('\n')[0]}`;
    return new RevatError('unavailable', text, { cause });
  }
  const install = `npm install ${packageName}`;
  const text = `backend: '${name}' needs the package ${packageName}. Install it: ${install}`;
  return new RevatError('unavailable', text, { cause, details: { install } });
}

/** tfjs-node calls a function of Node's `util` that Node 23 removed; it is put back before tfjs-node looks for it. */
async function loadForNode(load: () => Promise<unknown>): Promise<unknown> {
  restoreNodeUtil();
  return load();
}
