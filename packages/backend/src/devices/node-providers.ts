import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

import {
  PROBE_TOLERANCE,
  PROVIDER_NAMES,
  type ProviderName,
  type ProviderProbe,
} from './execution-provider.js';
import { runProbeProcess } from './probe-process.js';

/** The provider that every machine has. */
export const BASE_PROVIDER = 'cpu';

/** ONNX Runtime's package, version and folder in Node; undefined where it is not installed. */
export function onnxRuntimePackage(): { name: string; version: string; folder: string } | undefined {
  const require = createRequire(import.meta.url);
  try {
    const manifest = require.resolve('onnxruntime-node/package.json');
    const { version } = require(manifest) as { version: string };
    return { name: 'onnxruntime-node', version, folder: path.dirname(manifest) };
  } catch {
    return undefined;
  }
}

/** The providers that this build of onnxruntime-node was compiled with; none where its library does not load. */
export async function compiledProviders(): Promise<ProviderName[]> {
  try {
    const { binding } = await import('onnxruntime-node/dist/binding.js');
    const names = binding.listSupportedBackends().map(({ name }) => name);
    return PROVIDER_NAMES.filter((name) => names.includes(name));
  } catch {
    return [];
  }
}

/** CUDA where its libraries were installed and it passes its probe, else the processor and, if CUDA failed, why. */
export async function preferredProvider(): Promise<{ provider: ProviderName; note?: string }> {
  if (missingLibrary('cuda')) return { provider: BASE_PROVIDER };
  const { usable, reason, advice } = await probeProvider('cuda');
  if (usable) return { provider: 'cuda' };
  return {
    provider: BASE_PROVIDER,
    note: `The provider 'cuda' is installed but not usable: ${reason}. ${advice}`,
  };
}

/**
 * Tries a provider in a child process, for a missing driver can abort the process that loads it. Takes some tenths of a
 * second; never throws.
 */
export async function probeProvider(provider: ProviderName): Promise<ProviderProbe> {
  const absent = (await notCompiledIn(provider)) ?? missingLibrary(provider);
  if (absent) return { provider, usable: false, ...absent };
  const { error, failure } = await runProbeProcess('./provider-probe.js', provider);
  if (error !== undefined && error <= PROBE_TOLERANCE) return { provider, usable: true, error };
  const reason = failure ?? `its results differ from the processor's by ${error}`;
  return { provider, usable: false, reason, advice: ADVICE[provider], error };
}

const ADVICE: Readonly<Partial<Record<ProviderName, string>>> = {
  cpu: 'Reinstall onnxruntime-node; it has libraries for Windows, Linux (glibc) and macOS on Apple silicon.',
  cuda: 'It needs an NVIDIA driver, CUDA 12 and cuDNN 9 on the library path.',
  tensorrt: "It needs TensorRT 10 on the library path; 'cuda' needs less.",
  webgpu: 'It needs a GPU and its driver: Vulkan on Linux, Direct3D 12 on Windows, Metal on macOS.',
};

async function notCompiledIn(provider: ProviderName) {
  const compiled = await compiledProviders();
  if (compiled.includes(provider)) return undefined;
  if (compiled.length === 0) {
    return { reason: 'the library of onnxruntime-node does not load here', advice: ADVICE.cpu };
  }
  const place = `${process.platform} ${process.arch}`;
  return {
    reason: `onnxruntime-node for ${place} has no such provider`,
    advice: `It has ${compiled.join(', ')}.`,
  };
}

/** CUDA and TensorRT come as libraries beside the binding, which are downloaded only on request. */
function missingLibrary(provider: ProviderName) {
  if (provider !== 'cuda' && provider !== 'tensorrt') return undefined;
  const folder = onnxRuntimePackage()?.folder ?? '';
  const library = `libonnxruntime_providers_${provider}.so`;
  if (existsSync(path.join(folder, 'bin/napi-v6', process.platform, process.arch, library))) return undefined;
  return {
    reason: `${library} is not installed`,
    advice:
      'Download it: node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12',
  };
}
