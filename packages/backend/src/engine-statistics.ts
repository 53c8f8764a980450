/** What the engine has done since it was started or its statistics were reset. */
export interface EngineStatistics {
  /** Compiled graphs in the cache now, and the memory that they hold by estimate. */
  plans: number;
  planBytes: number;
  /** Graphs compiled, taken from the cache, run; plans evicted for want of room. */
  compiles: number;
  cacheHits: number;
  runs: number;
  evictions: number;
  /** Tiny graphs that ran on the JavaScript kernels instead. */
  smallGraphs: number;
  /** Kernel calls recorded, and those that fell back to the JavaScript kernels, by kernel. */
  kernels: number;
  fallbacks: Record<string, number>;
  /** Milliseconds spent choosing and keying graphs, compiling them, and running them. */
  planMs: number;
  compileMs: number;
  runMs: number;
}

export function newStatistics(): EngineStatistics {
  return {
    plans: 0,
    planBytes: 0,
    compiles: 0,
    cacheHits: 0,
    runs: 0,
    evictions: 0,
    smallGraphs: 0,
    kernels: 0,
    fallbacks: {},
    planMs: 0,
    compileMs: 0,
    runMs: 0,
  };
}
