import * as tf from '@tensorflow/tfjs-core';

import { RevatError } from '@revat/core';

import { restoreNodeUtil } from '#platform';

import type { BackendName } from './backend-name.js';

/** A backend of tfjs that lives in a package of its own, loaded only when it is asked for. */
export interface OptionalBackend {
  readonly packageName: string;
  /** The name under which the package registers itself with tfjs. */
  readonly registeredName: string;
  /** What its user gains or misses. */
  readonly remark: string;
  load(): Promise<unknown>;
}

// `as string` keeps TypeScript from asking for the types of packages that need not be there; bundlers see the plain text.
export const OPTIONAL_BACKENDS: Readonly<Record<Exclude<BackendName, 'auto' | 'onnx'>, OptionalBackend>> = {
  'node-gpu': {
    packageName: '@tensorflow/tfjs-node-gpu',
    registeredName: 'tensorflow',
    remark: 'TensorFlow 2.9 on CUDA 11.2 and cuDNN 8; no longer maintained',
    load: () => loadForNode(() => import('@tensorflow/tfjs-node-gpu' as string)),
  },
  node: {
    packageName: '@tensorflow/tfjs-node',
    registeredName: 'tensorflow',
    remark: 'TensorFlow 2.9 on the CPU; no longer maintained',
    load: () => loadForNode(() => import('@tensorflow/tfjs-node' as string)),
  },
  wasm: {
    packageName: '@tensorflow/tfjs-backend-wasm',
    registeredName: 'wasm',
    remark: 'cannot differentiate convolutions: no attacks by gradient, no training',
    load: () => import('@tensorflow/tfjs-backend-wasm' as string),
  },
  webgpu: {
    packageName: '@tensorflow/tfjs-backend-webgpu',
    registeredName: 'webgpu',
    remark: 'browsers with WebGPU',
    load: () => import('@tensorflow/tfjs-backend-webgpu' as string),
  },
  webgl: {
    packageName: '@tensorflow/tfjs-backend-webgl',
    registeredName: 'webgl',
    remark: 'browsers; half precision on some phones',
    load: () => import('@tensorflow/tfjs-backend-webgl' as string),
  },
  cpu: {
    packageName: '@tensorflow/tfjs-backend-cpu',
    registeredName: 'cpu',
    remark: 'plain JavaScript: slow, works everywhere',
    load: () => import('@tensorflow/tfjs-backend-cpu'),
  },
};

/**
 * Loads a backend's package and makes the backend current. Throws 'unavailable' with what to install if the package is
 * not there, and with its own message if it cannot start here.
 */
export async function activateOptionalBackend(name: keyof typeof OPTIONAL_BACKENDS): Promise<void> {
  const { packageName, registeredName, load } = OPTIONAL_BACKENDS[name];
  try {
    await load();
  } catch (cause) {
    throw new RevatError('unavailable', loadFailure(name, packageName, cause), { cause });
  }
  if (await startBackend(registeredName)) return;
  throw new RevatError(
    'unavailable',
    `backend: ${packageName} is installed, but its backend "${registeredName}" does not start here. ` +
      "Use another one, e.g. 'auto'.",
  );
}

async function startBackend(registeredName: string): Promise<boolean> {
  try {
    return await tf.setBackend(registeredName);
  } catch {
    return false;
  }
}

function loadFailure(name: string, packageName: string, cause: unknown): string {
  const { code, message } = cause as { code?: string; message?: string };
  const absent = /MODULE_NOT_FOUND/.test(code ?? '') && message?.includes(packageName);
  if (absent)
    return `backend: '${name}' needs the package ${packageName}. Install it: npm install ${packageName}`;
  return `backend: ${packageName} cannot be loaded: ${message?.split('\n')[0]}`;
}

/** tfjs-node calls a function of Node's `util` that Node 23 removed; it is put back before tfjs-node looks for it. */
async function loadForNode(load: () => Promise<unknown>): Promise<unknown> {
  restoreNodeUtil();
  return load();
}
