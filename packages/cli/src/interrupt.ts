import { isRevatError, RevatError } from '@revat/core';

import { EXIT_CODE } from './exit-code.js';
import type { Progress } from './progress.js';

/**
 * Runs long work with a signal that Ctrl-C (SIGINT) or SIGTERM fires, so that it can save its state and stop; then tells
 * the command that goes on. A second Ctrl-C ends the process at once.
 */
export async function runInterruptibly<T>(
  progress: Progress,
  resumeCommand: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const interrupt = () => {
    if (controller.signal.aborted) process.exit(EXIT_CODE.interrupted);
    progress.line('Interrupted: saving the state (again to end at once) ...');
    controller.abort(new RevatError('aborted', 'interrupted'));
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    return await work(controller.signal);
  } catch (error) {
    progress.stop();
    if (isRevatError(error) && error.code === 'aborted')
      progress.line(`What is finished is saved. Go on with: ${resumeCommand}`);
    throw error;
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
    progress.stop();
  }
}
