import path from 'node:path';

import type { Command } from 'commander';
import { readRecipe, train } from '@revat/train';

import { startEngine } from '../engine.js';
import { runInterruptibly } from '../interrupt.js';
import { backendOption, integerParser, seedOption, threadsOption } from '../options.js';
import { createProgress } from '../progress.js';
import { trainingPrinter } from '../quickstart/training.js';

interface TrainCommandOptions {
  out: string;
  resume?: boolean;
  seed?: number;
  workers: number;
  backend: string;
  threads?: number;
  json?: boolean;
}

export function addTrainCommand(program: Command): void {
  program
    .command('train')
    .description('Train through the stages of a recipe: clean, adversarial, fine-tuning.')
    .argument('<recipe>', 'recipe file (JSON)')
    .requiredOption('--out <folder>', 'folder of the run')
    .option('--resume', 'go on with the run in the folder')
    .addOption(seedOption().default(undefined, "the recipe's"))
    .option('--workers <integer>', 'threads that prepare images', integerParser(0), 1)
    .addOption(backendOption())
    .addOption(threadsOption())
    .option('--json', 'print the history when done')
    .action((recipe: string, options: TrainCommandOptions) => trainCommand(recipe, options));
}

async function trainCommand(file: string, options: TrainCommandOptions): Promise<void> {
  const { seed, resume = false, workers } = options;
  const read = readRecipe(file);
  const recipe = seed === undefined ? read : { ...read, seed };
  const out = path.resolve(options.out);
  const progress = createProgress();
  await startEngine(options);
  const { history, checkpoints } = await runInterruptibly(
    progress,
    `revat train ${file} --resume --out ${options.out}`,
    (signal) => train(recipe, { out, resume, workers, signal, onEvent: trainingPrinter(progress) }),
  );
  for (const { stage, weights } of checkpoints) progress.line(`${stage}: ${path.relative('.', weights)}`);
  if (options.json) process.stdout.write(`${JSON.stringify(history, null, 2)}\n`);
}
