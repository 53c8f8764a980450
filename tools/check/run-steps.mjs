// Runs the named steps one after the other and says plainly which one failed.
import { spawnSync } from 'node:child_process';

/** @param {{ name: string, command: string[] }[]} steps */
export function runSteps(steps) {
  for (const { name, command } of steps) {
    const started = performance.now();
    console.log(`\n── ${name}: ${command.join(' ')}`);
    const { status, signal } = spawnSync(command[0], command.slice(1), { stdio: 'inherit' });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    if (status !== 0) {
      console.error(
        `\nFAILED: ${name} (${command.join(' ')}), ${signal ?? `exit code ${status}`}, after ${seconds} s`,
      );
      process.exit(status ?? 1);
    }
    console.log(`── ${name}: done in ${seconds} s`);
  }
}
