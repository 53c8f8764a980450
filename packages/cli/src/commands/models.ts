import { modelZoo, type ZooListing } from '@revat/models';
import type { Command } from 'commander';

export function addModelsCommand(program: Command): void {
  program
    .command('models')
    .description(
      'List the networks with parameters, multiply-accumulates and FLOPs at 224 x 224, and known weights.',
    )
    .option('--json', "print JSON, with the paper's figures and the checkpoints")
    .action(({ json }: { json?: boolean }) => {
      const zoo = modelZoo();
      process.stdout.write(json ? `${JSON.stringify(zoo, null, 2)}\n` : `${zooTable(zoo)}\n`);
    });
}

function zooTable(zoo: readonly ZooListing[]): string {
  const rows = [
    ['name', 'stem', 'network', 'params M', 'GMAC', 'GFLOP', 'paper', 'weights'],
    ...zoo.map((entry) => [
      entry.name,
      entry.stem,
      entry.title,
      (entry.params / 1e6).toFixed(2),
      (entry.macs / 1e9).toFixed(2),
      (entry.flops / 1e9).toFixed(2),
      paperFigures(entry),
      entry.checkpoints.map(({ id }) => id).join(', '),
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** "28.63 M, 4.60 G" as Table 14 of the paper prints it, else Table 2. */
function paperFigures({ table14, table2 }: ZooListing): string {
  const printed = table14 ?? table2;
  return printed ? `${printed.params} M, ${printed.flops} G` : '';
}
