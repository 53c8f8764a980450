import path from 'node:path';

import { leaderboard, leaderboardMarkdown, readResults, writeReport } from '@revat/robustbench';
import type { Command } from 'commander';

export function addReportCommand(program: Command): void {
  program
    .command('report')
    .description('Render the results.json of a run folder into report.html.')
    .argument('<folder>', 'run folder')
    .option('--out <file>', 'file to write (default: report.html in the folder)')
    .action(async (folder: string, { out }: { out?: string }) => {
      const file = await writeReport(path.resolve(folder), out && path.resolve(out));
      process.stdout.write(`${file}\n`);
    });
}

export function addLeaderboardCommand(program: Command): void {
  program
    .command('leaderboard')
    .description('Rank the models of several runs by robust accuracy, a table per data set and threat model.')
    .argument('<results...>', 'results.json files')
    .option('--json', 'print JSON instead of Markdown')
    .action(async (files: string[], { json }: { json?: boolean }) => {
      const boards = leaderboard(await Promise.all(files.map((file) => readResults(path.resolve(file)))));
      process.stdout.write(json ? `${JSON.stringify(boards, null, 2)}\n` : leaderboardMarkdown(boards));
    });
}
