import { isRevatError, RevatError } from '@revat/core';
import { errorCode } from './error-code.js';

const OFFLINE_CODES = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ETIMEDOUT',
]);

/** Turns what fetch threw into a RevatError that says which host did not answer and what to do. */
export function networkError(
  cause: unknown,
  url: string,
  where: string,
  signal: AbortSignal | undefined,
): RevatError {
  if (isRevatError(cause)) return cause;
  if (signal?.aborted === true) return new RevatError('aborted', `${where}: aborted.`, { cause });
  const { host } = new URL(url);
  const code = errorCode(cause);
  const why =
    code !== undefined && OFFLINE_CODES.has(code)
      ? `cannot reach ${host} (${code}): is this machine offline?`
      : `the connection to ${host} broke (${code ?? String(cause)}).`;
  const message = `${where}: ${why} Try again, or download the file elsewhere and give its path.`;
  return passingError(message, cause);
}

/** An error that may not come again: broken connections, overloaded servers. */
export function passingError(message: string, cause?: unknown): RevatError {
  return new RevatError('io', message, { cause, details: { passing: true } });
}

export function isPassing(error: unknown): boolean {
  return isRevatError(error) && error.details.passing === true;
}

/** Throws unless the answer is a file: HTTP errors and web pages in its place are named for what they are. */
export function checkAnswer(response: Response, where: string): void {
  const { status } = response;
  if (status === 404) {
    throw new RevatError('not-found', `${where}: the server has no such file (404). Check the name.`);
  }
  if (status >= 500 || status === 429) {
    throw passingError(`${where}: the server is busy or broken (${status}). Try again later.`);
  }
  if (!response.ok) {
    throw new RevatError(
      'io',
      `${where}: access denied (${status}). It may not exist, or need an account: accept its licence and set HF_TOKEN.`,
    );
  }
  if (response.headers.get('content-type')?.includes('text/html') === true) {
    throw new RevatError(
      'invalid-file',
      `${where}: the server sent a web page instead of a file. Give the direct download link.`,
    );
  }
}
