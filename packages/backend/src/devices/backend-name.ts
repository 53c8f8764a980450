import { RevatError } from '@revat/core';

/** The backends that `useBackend` knows, and the choice among them. */
export const BACKEND_NAMES = ['auto', 'onnx', 'node-gpu', 'node', 'wasm', 'webgpu', 'webgl', 'cpu'] as const;

export type BackendName = (typeof BACKEND_NAMES)[number];

/** The backend of that name. Throws 'unknown-name'. */
export function parseBackendName(text: string): BackendName {
  const name = BACKEND_NAMES.find((known) => known === text);
  if (name) return name;
  throw new RevatError(
    'unknown-name',
    `backend: unknown backend "${text}". Use one of ${BACKEND_NAMES.join(', ')}.`,
  );
}
