/**
 * Run in a process of its own, `node backend-probe.js NAME`: loads an optional backend, computes on it, and prints the
 * outcome as JSON. Loading such a package registers it with tfjs, and its native library may abort the process.
 */
import type { RevatError } from '@revat/core';
import { add, scalar } from '@tensorflow/tfjs-core';

import { parseBackendName, type BackendName } from './backend-name.js';
import { activateOptionalBackend } from './optional-backends.js';
import type { ProbeOutcome } from './probe-process.js';

void probe(parseBackendName(process.argv[2]));

async function probe(name: BackendName): Promise<void> {
  let outcome: ProbeOutcome;
  try {
    await activateOptionalBackend(name as Exclude<BackendName, 'auto' | 'onnx'>);
    const [sum] = await add(scalar(1), scalar(2)).data();
    outcome = { error: Math.abs(sum - 3) };
  } catch (cause) {
    const { message, details } = cause as RevatError;
    outcome = { failure: message, advice: details?.install as string | undefined };
  }
  process.stdout.write(`\n${JSON.stringify(outcome)}\n`, () => process.exit());
}
