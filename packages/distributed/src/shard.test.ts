import { describe, expect, test } from '@jest/globals';

import { inferShard, parseShard } from './shard.js';

describe('parseShard', () => {
  test('reads i/n', () => {
    expect(parseShard('0/1')).toEqual({ rank: 0, count: 1 });
    expect(parseShard(' 6/7 ')).toEqual({ rank: 6, count: 7 });
  });

  test.each(['7/7', '1', '1/0', '-1/2', '1/2/3', 'a/b', '1.5/2', ''])('refuses %p', (text) => {
    expect(() => parseShard(text)).toThrow(/cannot read/);
  });
});

describe('inferShard', () => {
  test.each([
    [{}, { rank: 0, count: 1 }],
    [
      { OMPI_COMM_WORLD_RANK: '2', OMPI_COMM_WORLD_SIZE: '4' },
      { rank: 2, count: 4, source: 'Open MPI' },
    ],
    [
      { RANK: '0', WORLD_SIZE: '2' },
      { rank: 0, count: 2, source: 'torchrun' },
    ],
    [
      {
        SLURM_ARRAY_TASK_ID: '3',
        SLURM_ARRAY_TASK_COUNT: '5',
        SLURM_ARRAY_TASK_MIN: '1',
        SLURM_PROCID: '0',
        SLURM_NTASKS: '1',
      },
      { rank: 2, count: 5, source: 'Slurm' },
    ],
    [
      { SLURM_PROCID: '1', SLURM_NTASKS: '2' },
      { rank: 1, count: 2, source: 'Slurm' },
    ],
    [
      { RANK: '1', WORLD_SIZE: '2', SLURM_PROCID: '0', SLURM_NTASKS: '8' },
      { rank: 1, count: 2, source: 'torchrun' },
    ],
    [{ RANK: '1' }, { rank: 0, count: 1 }],
  ])('%p', (environment, shard) => {
    expect(inferShard(environment)).toEqual(shard);
  });

  test('a rank beyond the count is an error that names the variables', () => {
    expect(() => inferShard({ RANK: '4', WORLD_SIZE: '4' })).toThrow(
      /torchrun gives RANK=4 and WORLD_SIZE=4/,
    );
    expect(() => inferShard({ PMI_RANK: 'x', PMI_SIZE: '4' })).toThrow(/PMI_RANK=x/);
  });
});
