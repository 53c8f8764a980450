import path from 'node:path';

import { StepServer } from './step-server.mjs';

const SERVER = path.join(import.meta.dirname, 'torch/serve.py');

/**
 * The Pythons that have PyTorch: those in REVAT_PYTHON (paths, separated as in PATH), else `python3` and `python` of the
 * PATH and the system's. Returns `{ python, version }` of each distinct version.
 */
export async function findTorch() {
  const named = process.env.REVAT_PYTHON?.split(path.delimiter).filter(Boolean);
  const found = new Map();
  for (const python of named ?? ['python3', 'python', '/usr/bin/python3']) {
    const version = await torchVersion(python);
    if (version !== undefined && !found.has(version)) found.set(version, { python, version });
  }
  return [...found.values()];
}

/** A process with PyTorch that answers calls of the functions in tools/bench/torch. */
export function startTorch({ python }, { threads } = {}) {
  const env = threads === undefined ? {} : { OMP_NUM_THREADS: String(threads) };
  return StepServer.start(python, [SERVER], { env });
}

/** What a benchmark says where there is no PyTorch to compare with. */
export const NO_TORCH =
  'No Python with PyTorch was found, so nothing is compared. Install it (python3 -m pip install torch==2.13.0) ' +
  'or name one: REVAT_PYTHON=/path/to/python.';

async function torchVersion(python) {
  try {
    const server = await startTorch({ python });
    await server.close();
    return server.greeting.version;
  } catch {
    return undefined;
  }
}
