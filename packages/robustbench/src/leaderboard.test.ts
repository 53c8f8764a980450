import { describe, expect, test } from '@jest/globals';

import { sampleResults } from '../test/sample-results.js';
import { accuracyOf } from './accuracy.js';
import { leaderboard, leaderboardMarkdown } from './leaderboard.js';

describe('leaderboard', () => {
  test('ranks by robust accuracy within each threat model', () => {
    const boards = leaderboard([sampleResults()]);
    expect(boards.map(({ threatModel }) => threatModel.norm)).toEqual(['Linf', 'L2', 'L1']);
    expect(boards[0].entries.map(({ rank, model, robust }) => [rank, model, robust.correct])).toEqual([
      [1, 'Fine-tuned to 0.15', 68],
      [2, 'Adversarially trained to 0.075', 41],
      [3, 'Clean-trained', 0],
    ]);
  });

  test('puts runs on the same data on one board, others on their own', () => {
    const second = { ...sampleResults(), recipe: { ...sampleResults().recipe, name: 'Second' } };
    const other = { ...sampleResults(), data: { ...sampleResults().data, name: 'other' } };
    const boards = leaderboard([sampleResults(), second, other]);
    expect(boards).toHaveLength(6);
    expect(boards[0].entries.map(({ rank }) => rank)).toEqual([1, 1, 3, 3, 5, 5]);
    expect(boards[3]).toMatchObject({ data: 'other' });
  });

  test('breaks ties of robust accuracy by clean accuracy', () => {
    const results = sampleResults();
    const models = results.models.map((model) => ({
      ...model,
      threats: model.threats.map((threat) => ({ ...threat, robust: accuracyOf(50, 100) })),
    }));
    const [{ entries }] = leaderboard([{ ...results, models }]);
    expect(entries.map(({ rank, clean }) => [rank, clean.correct])).toEqual([
      [1, 99],
      [1, 98],
      [1, 97],
    ]);
  });

  test('is Markdown that names cannot break', () => {
    const results = sampleResults();
    const models = [{ ...results.models[0], label: 'a|b\n<script>*x*' }];
    const text = leaderboardMarkdown(leaderboard([{ ...results, models }]));
    expect(text).toContain('## digits, Linf, radius 0.15, standard AutoAttack');
    expect(text).toContain('| 1 | a\\|b \\<script\\>\\*x\\* | 99.00 % | 0.00 % |');
    const rows = text.split('\n').filter((line) => line.startsWith('|'));
    for (const row of rows) expect(row.match(/(?<!\\)\|/g)).toHaveLength(9);
  });
});
