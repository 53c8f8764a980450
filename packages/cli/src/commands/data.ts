import { checkDataset, formatDatasetCheck } from '@revat/data';
import type { Command } from 'commander';

import { runInterruptibly } from '../interrupt.js';
import { createProgress } from '../progress.js';

export function addDataCommand(program: Command): void {
  program
    .command('data')
    .description('Work with data sets.')
    .command('check')
    .description(
      'Scan an image folder or tar shards: counts per class, unreadable files, duplicates, wrong extensions, colour modes.',
    )
    .argument('<folder>', 'data set')
    .option('--json', 'print JSON')
    .action(async (folder: string, { json }: { json?: boolean }) => {
      const progress = createProgress();
      let started = false;
      const onProgress = (checked: number, total: number) => {
        if (!started) progress.start('checking', total, 'images');
        started = true;
        progress.update(checked);
      };
      const check = await runInterruptibly(progress, `revat data check ${folder}`, (signal) =>
        checkDataset(folder, { onProgress, signal }),
      );
      process.stdout.write(json ? `${JSON.stringify(check, null, 2)}\n` : `${formatDatasetCheck(check)}\n`);
    });
}
