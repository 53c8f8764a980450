import { useBackend, type BackendName, type DeviceReport } from '@revat/backend';
import type { DeviceReport as ResultsDevice } from '@revat/robustbench';

/** Starts the engine as the command line asks. Throws 'unknown-name' or 'unavailable', saying what to install. */
export async function startEngine({
  backend,
  threads,
  cacheBytes,
}: {
  readonly backend: string;
  readonly threads?: number;
  readonly cacheBytes?: number;
}): Promise<DeviceReport> {
  return useBackend(backend as BackendName, { threads, cacheBytes });
}

/** One line about what computes: "onnx (cpu), 2 threads". */
export function describeDevice({ backend, provider, threads }: DeviceReport): string {
  const engine = provider === undefined ? backend : `${backend} (${provider})`;
  return threads === undefined ? engine : `${engine}, ${threads} thread${threads === 1 ? '' : 's'}`;
}

/** The device as results.json holds it. */
export function deviceForResults({ backend, provider, threads, machine }: DeviceReport): ResultsDevice {
  return {
    backend,
    provider: provider ?? null,
    threads: threads ?? null,
    processor: machine.cpu,
    cores: machine.cores,
    memoryBytes: machine.memoryBytes,
    platform: machine.platform,
  };
}

/** Versions of what computed: the engine's libraries. */
export function engineVersions({ tfjs, runtime }: DeviceReport): Record<string, string> {
  return { 'tfjs-core': tfjs, ...(runtime?.version ? { [runtime.name]: runtime.version } : {}) };
}
