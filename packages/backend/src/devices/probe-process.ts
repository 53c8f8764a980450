import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const TIMEOUT_MS = 60_000;

/** What a probe script prints: nothing but this, as JSON. */
export interface ProbeOutcome {
  /** Relative error of the probe network. */
  readonly error?: number;
  /** Why the probe failed. */
  readonly failure?: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** Runs a probe script of this folder in a process of its own, which a missing driver may abort. Never throws. */
export function runProbeProcess(script: string, argument: string): Promise<ProbeOutcome> {
  const file = fileURLToPath(new URL(script, import.meta.url));
  return new Promise((resolve) => {
    const options = { timeout: TIMEOUT_MS, killSignal: 'SIGKILL' as const };
    execFile(process.execPath, [file, argument], options, (error, stdout, stderr) => {
      const outcome = parseOutcome(stdout);
      if (outcome) resolve(outcome);
      else if (error?.killed) resolve({ failure: `the probe did not end within ${TIMEOUT_MS / 1000} s` });
      else resolve({ failure: `the probe ended with ${error?.signal ?? error?.code}: ${lastLine(stderr)}` });
    });
  });
}

function parseOutcome(stdout: string): ProbeOutcome | undefined {
  try {
    return JSON.parse(lastLine(stdout)) as ProbeOutcome;
  } catch {
    return undefined;
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) || 'no message';
}
