import { existsSync } from 'node:fs';
import path from 'node:path';

import { isRevatError } from '@revat/core';
import type { Command } from 'commander';

import { withInterrupt } from '../interrupt.js';
import { backendOption, seedOption, threadsOption } from '../options.js';
import { createProgress, type Progress } from '../progress.js';
import { runQuickstart } from '../quickstart/quickstart.js';

interface QuickstartOptions {
  full?: boolean;
  seed: number;
  out?: string;
  resume?: boolean;
  backend: string;
  threads?: number;
  json?: boolean;
}

const DEFAULT_OUT = 'runs/quickstart';

export function addQuickstartCommand(program: Command): void {
  program
    .command('quickstart')
    .description(
      'The whole pipeline on handwritten digits within minutes: clean training, adversarial training, fine-tuning to a larger radius, AutoAttack, report.',
    )
    .option('--full', 'ConvStem and PatchStem, 200 images, standard AutoAttack in Linf, L2 and L1')
    .option('--out <folder>', `folder of the run (default: ${DEFAULT_OUT}, or the first ${DEFAULT_OUT}-N that is free)`)
    .option('--resume', 'go on with the run in the folder')
    .addOption(seedOption())
    .addOption(backendOption())
    .addOption(threadsOption())
    .option('--json', 'print results.json when done')
    .action((options: QuickstartOptions) => quickstart(options));
}

async function quickstart(options: QuickstartOptions): Promise<void> {
  const { full = false, seed, resume = false } = options;
  const out = path.resolve(options.out ?? defaultFolder(resume));
  const progress = createProgress();
  const { results, report } = await withInterrupt(
    (signal) => runInterruptibly(progress, out, () => runQuickstart({ full, seed }, { ...options, out, resume, progress, signal })),
    () => progress.line('\nInterrupted: saving the state (Ctrl-C again ends at once) ...'),
  );
  if (options.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  progress.line(`\nReport: ${report}`);
}

/** Adds to an interruption how to go on. */
async function runInterruptibly<T>(progress: Progress, out: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    progress.stop();
    if (isRevatError(error) && error.code === 'aborted')
      progress.line(`Saved. Go on with: npm run quickstart -- --resume --out ${path.relative('.', out) || '.'}`);
    throw error;
  }
}

/** The newest default folder when resuming, else the first that is free. */
function defaultFolder(resume: boolean): string {
  const candidate = (n: number) => (n === 1 ? DEFAULT_OUT : `${DEFAULT_OUT}-${n}`);
  let free = 1;
  while (existsSync(candidate(free))) free++;
  return candidate(resume ? Math.max(1, free - 1) : free);
}
