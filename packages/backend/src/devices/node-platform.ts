/** What this package needs of Node; `web-platform.ts` is its sibling for browsers (package.json, "imports", "#platform"). */
import { runProbeProcess, type ProbeOutcome } from './probe-process.js';

export { describeMachine } from './machine-node.js';
export {
  BASE_PROVIDER,
  compiledProviders,
  onnxRuntimePackage,
  preferredProvider,
  probeProvider,
} from './node-providers.js';
export { restoreNodeUtil } from './node-util.js';
export { openWorkerRuntime } from '../runtime/worker-runtime.js';

/** Tries an optional backend, by its `useBackend` name, in a process of its own. Never throws. */
export function probeBackend(name: string): Promise<ProbeOutcome> {
  return runProbeProcess('./backend-probe.js', name);
}
