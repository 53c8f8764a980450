import type { Machine } from './machine.js';

const GIB = 2 ** 30;
/** What WebAssembly can address; also what browsers that do not tell their memory are taken to have. */
const LARGEST_MEMORY = 4 * GIB;

/** The machine as a browser describes it: memory is rounded, and no more than WebAssembly can use. */
export function describeMachine(): Machine {
  const { hardwareConcurrency = 1, userAgent, platform } = navigator;
  const { deviceMemory } = navigator as { deviceMemory?: number };
  return {
    cpu: userAgent,
    // Threads share memory, which browsers allow on cross-origin isolated pages alone.
    cores: globalThis.crossOriginIsolated ? hardwareConcurrency : 1,
    memoryBytes: Math.min(LARGEST_MEMORY, (deviceMemory ?? Infinity) * GIB),
    platform: platform || 'browser',
    host: 'browser',
  };
}
