import { isRevatError, type RevatErrorCode } from '@revat/core';

/** What the `revat` command tells the shell. */
export const EXIT_CODE = {
  done: 0,
  /** The run failed: the engine, the model, or a defect. */
  failed: 1,
  /** Bad arguments or input. */
  input: 2,
  /** Interrupted, state saved: 128 + SIGINT. */
  interrupted: 130,
} as const;

const FAILURES: ReadonlySet<RevatErrorCode> = new Set<RevatErrorCode>(['bad-model', 'engine']);

/** The exit code of an error that ended a command. */
export function exitCodeOf(error: unknown): number {
  if (!isRevatError(error)) return EXIT_CODE.failed;
  if (error.code === 'aborted') return EXIT_CODE.interrupted;
  return FAILURES.has(error.code) ? EXIT_CODE.failed : EXIT_CODE.input;
}
