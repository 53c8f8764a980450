/** What this package needs of a browser; `node-platform.ts` is its sibling for Node. */
import { openRuntime } from '../runtime/web-runtime.js';
import { PROBE_TOLERANCE, type ProviderName, type ProviderProbe } from './execution-provider.js';
import { OPTIONAL_BACKENDS, type OptionalBackendName } from './optional-backends.js';
import type { ProbeOutcome } from './probe-process.js';
import { probeInputs, probeNetwork, relativeError } from './probe-network.js';

export { describeMachine } from './machine-web.js';

/** The provider that every machine has. */
export const BASE_PROVIDER = 'wasm';

/** onnxruntime-web is always asynchronous; its computations share the page's thread or use its own workers. */
export const openWorkerRuntime = openRuntime;

export function onnxRuntimePackage(): { name: string; version?: string } {
  return { name: 'onnxruntime-web' };
}

export async function compiledProviders(): Promise<ProviderName[]> {
  return 'gpu' in navigator ? ['wasm', 'webgpu'] : ['wasm'];
}

/** The processor: 'webgpu' is only used where it is asked for. */
export async function preferredProvider(): Promise<{ provider: ProviderName; note?: string }> {
  return { provider: BASE_PROVIDER };
}

/** Loads an optional backend's package, by its `useBackend` name, without making it current. Never throws. */
export async function probeBackend(name: string): Promise<ProbeOutcome> {
  const { packageName, load } = OPTIONAL_BACKENDS[name as OptionalBackendName];
  try {
    await load();
    return { error: 0 };
  } catch {
    return { failure: `${packageName} is not installed`, advice: `npm install ${packageName}` };
  }
}

/** Tries a provider on the probe network; never throws. */
export async function probeProvider(provider: ProviderName): Promise<ProviderProbe> {
  try {
    const model = probeNetwork();
    const [expected, actual] = await Promise.all([compute(BASE_PROVIDER), compute(provider)]);
    const error = relativeError(expected, actual);
    const usable = error <= PROBE_TOLERANCE;
    return {
      provider,
      usable,
      error,
      reason: usable ? undefined : `its results differ from the processor's by ${error}`,
    };

    async function compute(name: string) {
      const session = await (await openRuntime({ provider: name })).createSessionAsync(model);
      const [result] = await session.runAsync(probeInputs(model));
      session.dispose();
      return result;
    }
  } catch (cause) {
    return { provider, usable: false, reason: cause instanceof Error ? cause.message : String(cause) };
  }
}

/** Only tfjs-node needs it, which does not run in browsers. */
export function restoreNodeUtil(): void {}
