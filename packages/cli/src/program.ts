import { isRevatError } from '@revat/core';
import { Command, CommanderError } from 'commander';

import { EXIT_CODE, exitCodeOf } from './exit-code.js';
import { addDataCommand } from './commands/data.js';
import { addDoctorCommand } from './commands/doctor.js';
import { addModelsCommand } from './commands/models.js';
import { addQuickstartCommand } from './commands/quickstart.js';
import { addLeaderboardCommand, addReportCommand } from './commands/report.js';
import { addTrainCommand } from './commands/train.js';
import { packageVersion } from './package-version.js';

const COMMANDS = [
  addQuickstartCommand,
  addTrainCommand,
  addReportCommand,
  addLeaderboardCommand,
  addModelsCommand,
  addDataCommand,
  addDoctorCommand,
];

/** The `revat` command with all its subcommands. */
export function createProgram(): Command {
  const program = new Command('revat')
    .description('Adversarial robustness for JavaScript: train robust networks, attack them, compare them.')
    .version(packageVersion())
    .option('--verbose', 'show the stack trace of an error')
    .configureOutput({ outputError: () => undefined });
  for (const add of COMMANDS) add(program);
  for (const command of withSubcommands(program)) command.exitOverride();
  return program;
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

/** Runs a command line and returns the exit code: 0 done, 1 failed, 2 bad arguments or input, 130 interrupted. */
export async function runCli(args: readonly string[]): Promise<number> {
  const program = createProgram();
  try {
    await program.parseAsync([...args], { from: 'user' });
    return EXIT_CODE.done;
  } catch (error) {
    if (error instanceof CommanderError) return reportUsage(error, program);
    return reportError(error, program.opts<{ verbose?: boolean }>().verbose ?? false);
  }
}

function reportUsage(error: CommanderError, program: Command): number {
  if (error.exitCode === 0) return EXIT_CODE.done;
  if (error.code === 'commander.help') return EXIT_CODE.input;
  const message = error.message.replace(/^error: /, '').replace(/\n/g, ' ');
  process.stderr.write(`revat: ${message}. See ${program.name()} --help.\n`);
  return EXIT_CODE.input;
}

function reportError(error: unknown, verbose: boolean): number {
  const message = error instanceof Error ? error.message : String(error);
  const known = isRevatError(error);
  process.stderr.write(
    `revat: ${known ? message : `unexpected error: ${message} (--verbose shows where)`}\n`,
  );
  if (verbose && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return exitCodeOf(error);
}
