import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import {
  PROBE_TOLERANCE,
  PROVIDER_NAMES,
  type ProviderName,
  type ProviderProbe,
} from './execution-provider.js';

const PROBE_TIMEOUT_MS = 60_000;
const PROBE_FILE = fileURLToPath(new URL('./provider-probe.js', import.meta.url));

interface ProbeOutcome {
  readonly error?: number;
  readonly failure?: string;
}

/** ONNX Runtime's package and version in Node; undefined where it is not installed. */
export function onnxRuntimePackage(): { name: string; version: string; folder: string } | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
    const { version } = createRequire(import.meta.url)(manifest) as { version: string };
    return { name: 'onnxruntime-node', version, folder: path.dirname(manifest) };
  } catch {
    return undefined;
  }
}

/** The providers that this build of onnxruntime-node was compiled with; loads its library. */
export async function compiledProviders(): Promise<ProviderName[]> {
  const { binding } = await import('onnxruntime-node/dist/binding.js');
  const names = binding.listSupportedBackends().map(({ name }) => name);
  return PROVIDER_NAMES.filter((name) => names.includes(name));
}

/**
 * Tries a provider in a child process, for a missing driver can abort the process that loads it. Takes some tenths of a
 * second; never throws.
 */
export async function probeProvider(provider: ProviderName): Promise<ProviderProbe> {
  const absent = missingLibrary(provider);
  if (absent) return { provider, usable: false, ...absent };
  const outcome = await runProbe(provider);
  if (outcome.error !== undefined && outcome.error <= PROBE_TOLERANCE)
    return { provider, usable: true, error: outcome.error };
  const reason = outcome.failure ?? `its results differ from the processor's by ${outcome.error}`;
  return { provider, usable: false, reason, advice: ADVICE[provider], error: outcome.error };
}

const ADVICE: Readonly<Partial<Record<ProviderName, string>>> = {
  cpu: 'Install onnxruntime-node for this platform; see docs/install.md.',
  cuda: 'Needs an NVIDIA driver, CUDA 12 and cuDNN 9 on the library path.',
  tensorrt: "Needs TensorRT 10 on the library path; 'cuda' is the simpler choice.",
  webgpu: 'Needs a GPU driver with Vulkan (Linux), Direct3D 12 (Windows) or Metal (macOS).',
};

/** CUDA and TensorRT come as libraries beside the binding, which are downloaded only on request. */
function missingLibrary(provider: ProviderName): { reason: string; advice: string } | undefined {
  if (provider !== 'cuda' && provider !== 'tensorrt') return undefined;
  const folder = onnxRuntimePackage()?.folder ?? '';
  const library = `libonnxruntime_providers_${provider}.so`;
  const file = path.join(folder, 'bin/napi-v6', process.platform, process.arch, library);
  if (existsSync(file)) return undefined;
  return {
    reason: `its library ${library} is not installed`,
    advice:
      'Download it: node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12',
  };
}

function runProbe(provider: ProviderName): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const options = { timeout: PROBE_TIMEOUT_MS, killSignal: 'SIGKILL' as const };
    execFile(process.execPath, [PROBE_FILE, provider], options, (error, stdout, stderr) => {
      const outcome = parseOutcome(stdout);
      if (outcome) resolve(outcome);
      else if (error?.killed)
        resolve({ failure: `the probe did not end within ${PROBE_TIMEOUT_MS / 1000} s` });
      else resolve({ failure: `the probe ended with ${error?.signal ?? error?.code}: ${lastLine(stderr)}` });
    });
  });
}

function parseOutcome(stdout: string): ProbeOutcome | undefined {
  try {
    return JSON.parse(stdout) as ProbeOutcome;
  } catch {
    return undefined;
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) || 'no message';
}
