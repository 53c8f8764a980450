import {
  BASE_PROVIDER,
  compiledProviders,
  describeMachine,
  onnxRuntimePackage,
  probeBackend,
  probeProvider,
} from '#platform';

import type { BackendName } from './backend-name.js';
import type { ProviderName } from './execution-provider.js';
import { OPTIONAL_BACKENDS, type OptionalBackendName } from './optional-backends.js';

/** One way to compute: a backend, for 'onnx' with an execution provider. */
export interface DeviceDiagnosis {
  readonly backend: Exclude<BackendName, 'auto'>;
  readonly provider?: string;
  readonly usable: boolean;
  /** Why not, or what to know about it. */
  readonly remark: string;
  /** What to do to use it. */
  readonly advice?: string;
}

const BROWSER_BACKENDS: readonly BackendName[] = ['webgl', 'webgpu'];
const NODE_BACKENDS: readonly BackendName[] = ['node', 'node-gpu'];

/**
 * Tries every backend and provider of this platform and says of each whether it is usable, why not and what to do. In Node
 * each is tried in a process of its own, so nothing is loaded into this one. Takes some seconds; never throws.
 */
export async function diagnoseDevices(): Promise<DeviceDiagnosis[]> {
  const foreign = describeMachine().host === 'browser' ? NODE_BACKENDS : BROWSER_BACKENDS;
  const diagnoses = await diagnoseOnnx();
  for (const name of Object.keys(OPTIONAL_BACKENDS) as OptionalBackendName[]) {
    if (!foreign.includes(name)) diagnoses.push(await diagnoseOptional(name));
  }
  return diagnoses;
}

async function diagnoseOnnx(): Promise<DeviceDiagnosis[]> {
  const { name, version = '' } = onnxRuntimePackage() ?? {};
  if (!name) {
    const remark = 'onnxruntime-node is not installed';
    return [{ backend: 'onnx', usable: false, remark, advice: 'npm install onnxruntime-node' }];
  }
  const providers = await compiledProviders();
  const diagnoses: DeviceDiagnosis[] = [];
  for (const provider of providers.length > 0 ? providers : [BASE_PROVIDER as ProviderName]) {
    const { usable, reason, advice, error } = await probeProvider(provider);
    const agreement = `${name} ${version}`.trim() + `, probe error ${error?.toExponential(1)}`;
    diagnoses.push({ backend: 'onnx', provider, usable, remark: reason ?? agreement, advice });
  }
  return diagnoses;
}

async function diagnoseOptional(backend: OptionalBackendName): Promise<DeviceDiagnosis> {
  const { packageName, remark } = OPTIONAL_BACKENDS[backend];
  const { failure, advice } = await probeBackend(backend);
  if (failure === undefined) return { backend, usable: true, remark: `${packageName}: ${remark}` };
  return { backend, usable: false, remark: failure, advice };
}
