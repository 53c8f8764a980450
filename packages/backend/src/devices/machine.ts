/** The machine that computes, as far as the platform tells. */
export interface Machine {
  /** Processor model, e.g. "AMD EPYC 9554"; in a browser the user agent. */
  readonly cpu: string;
  /** Cores this process may use: physical ones where that can be told, within its CPU quota. */
  readonly cores: number;
  /** Memory this process may use, bytes, within its container's limit. */
  readonly memoryBytes: number;
  /** E.g. "linux x64". */
  readonly platform: string;
  /** E.g. "node 22.4.0" or "browser". */
  readonly host: string;
}

const MIB = 2 ** 20;
const SMALLEST_CACHE = 256 * MIB;
const LARGEST_CACHE = 16 * 1024 * MIB;

/**
 * Bytes that the engine's cached sessions may take together unless the user says otherwise: a quarter of the memory of
 * this process, at least 256 MiB and at most 16 GiB. The rest is for weights, images, activations and the application.
 */
export function cacheBudget({ memoryBytes }: Machine): number {
  return Math.min(LARGEST_CACHE, Math.max(SMALLEST_CACHE, Math.floor(memoryBytes / 4)));
}
