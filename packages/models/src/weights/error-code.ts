/** The system's code (ENOENT, ECONNREFUSED, ...) of what was thrown; fetch hides it in the cause. */
export function errorCode(thrown: unknown): string | undefined {
  for (let error = thrown, depth = 0; isObject(error) && depth < 5; error = error.cause, depth++) {
    if (typeof error.code === 'string') return error.code;
  }
  return undefined;
}

function isObject(value: unknown): value is { readonly code?: unknown; readonly cause?: unknown } {
  return typeof value === 'object' && value !== null;
}
