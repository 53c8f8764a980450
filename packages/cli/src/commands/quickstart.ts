import { existsSync } from 'node:fs';
import path from 'node:path';

import type { Command } from 'commander';

import { runInterruptibly } from '../interrupt.js';
import { backendOption, seedOption, threadsOption } from '../options.js';
import { createProgress } from '../progress.js';
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
    .option(
      '--out <folder>',
      `folder of the run (default: ${DEFAULT_OUT}, or the first ${DEFAULT_OUT}-N that is free)`,
    )
    .option('--resume', 'go on with the run in the folder')
    .addOption(seedOption())
    .addOption(backendOption())
    .addOption(threadsOption('models attacked at a time, each on one thread'))
    .option('--json', 'print results.json when done')
    .action((options: QuickstartOptions) => quickstart(options));
}

async function quickstart(options: QuickstartOptions): Promise<void> {
  const { full = false, seed, resume = false } = options;
  const out = path.resolve(options.out ?? defaultFolder(resume));
  const progress = createProgress();
  const command = `npm run quickstart --${full ? ' --full' : ''}${seed === 0 ? '' : ` --seed ${seed}`} --resume --out ${path.relative('.', out)}`;
  const { results, report } = await runInterruptibly(progress, command, (signal) =>
    runQuickstart({ full, seed }, { ...options, out, resume, progress, signal }),
  );
  if (options.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  progress.line(`\nReport: ${report}`);
}

/** The newest default folder when resuming, else the first that is free. */
function defaultFolder(resume: boolean): string {
  const candidate = (n: number) => (n === 1 ? DEFAULT_OUT : `${DEFAULT_OUT}-${n}`);
  let free = 1;
  while (existsSync(candidate(free))) free++;
  return candidate(resume ? Math.max(1, free - 1) : free);
}
