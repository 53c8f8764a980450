/** What this package needs of Node; `web-platform.ts` is its sibling for browsers (package.json, "imports", "#platform"). */
export { describeMachine } from './machine-node.js';
export { compiledProviders, onnxRuntimePackage, probeProvider } from './node-providers.js';
export { restoreNodeUtil } from './node-util.js';
export { openWorkerRuntime } from '../runtime/worker-runtime.js';

/** The provider that every machine has. */
export const BASE_PROVIDER = 'cpu';
