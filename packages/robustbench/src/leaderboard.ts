import { formatRadius } from '@revat/core';

import type { Accuracy } from './accuracy.js';
import type { Results } from './results.js';
import { protocolLabel } from './threat-model.js';

/** One ranked model of one run. */
export interface LeaderboardEntry {
  /** Models with equal robust accuracy share a rank; the next rank is skipped. */
  readonly rank: number;
  readonly model: string;
  readonly architecture: string | null;
  readonly parameters: number | null;
  readonly clean: Accuracy;
  readonly robust: Accuracy;
  /** Name of the run, and when it was made. */
  readonly run: string;
  readonly created: string;
}

/** All models that were tested on the same data under the same threat model. */
export interface Leaderboard {
  readonly data: string;
  readonly threatModel: Results['threatModels'][number];
  readonly entries: readonly LeaderboardEntry[];
}

/**
 * Leaderboards as RobustBench has them, one per data set and threat model, in the order in which the runs name them; within
 * a board by robust accuracy, then clean accuracy. Boards never mix protocols, radii or data.
 */
export function leaderboard(results: readonly Results[]): Leaderboard[] {
  const boards = new Map<
    string,
    { data: string; threatModel: Leaderboard['threatModel']; entries: Unranked[] }
  >();
  for (const run of results)
    for (const threatModel of run.threatModels) {
      const key = JSON.stringify([run.data.name, threatModel.id]);
      const board = boards.get(key) ?? { data: run.data.name, threatModel, entries: [] };
      boards.set(key, board);
      board.entries.push(...entriesOf(run, threatModel.id));
    }
  return [...boards.values()]
    .filter(({ entries }) => entries.length > 0)
    .map((board) => ({ ...board, entries: rank(board.entries) }));
}

/** Boards as Markdown tables. */
export function leaderboardMarkdown(boards: readonly Leaderboard[]): string {
  return `${boards.map(boardMarkdown).join('\n\n')}\n`;
}

type Unranked = Omit<LeaderboardEntry, 'rank'>;

function entriesOf({ models, recipe, created }: Results, threat: string): Unranked[] {
  return models.flatMap(({ label, architecture, parameters, clean, threats }) =>
    threats
      .filter(({ threatModel }) => threatModel === threat)
      .map(({ robust }) => ({
        model: label,
        architecture,
        parameters,
        clean,
        robust,
        run: recipe.name,
        created,
      })),
  );
}

function rank(entries: readonly Unranked[]): LeaderboardEntry[] {
  const sorted = [...entries].sort(
    (a, b) => b.robust.accuracy - a.robust.accuracy || b.clean.accuracy - a.clean.accuracy,
  );
  return sorted.map((entry) => ({
    rank: 1 + sorted.findIndex(({ robust }) => robust.accuracy === entry.robust.accuracy),
    ...entry,
  }));
}

function boardMarkdown({ data, threatModel, entries }: Leaderboard): string {
  const { norm, eps, protocol } = threatModel;
  const share = ({ accuracy }: Accuracy) => `${(accuracy * 100).toFixed(2)} %`;
  const interval = ({ interval: [low, high] }: Accuracy) =>
    `${(low * 100).toFixed(1)} to ${(high * 100).toFixed(1)} %`;
  const rows = entries.map(({ rank: place, model, architecture, clean, robust, run }) =>
    [place, model, share(clean), share(robust), interval(robust), robust.total, architecture ?? '', run].map(
      cell,
    ),
  );
  const head = ['Rank', 'Model', 'Clean', 'Robust', '95 % interval', 'Images', 'Architecture', 'Run'];
  const rule = ['---:', '---', '---:', '---:', '---:', '---:', '---', '---'];
  const table = [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  return `## ${cell(data)}, ${norm}, radius ${formatRadius(eps)}, ${protocolLabel(protocol)}\n\n${table}`;
}

/** Text that cannot break out of a table cell or turn into markup. */
function cell(value: string | number): string {
  return String(value)
    .replace(/[\\|<>&*_`[\]#]/g, (character) => `\\${character}`)
    .replace(/\s+/g, ' ');
}
