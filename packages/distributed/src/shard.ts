import { RevatError } from '@revat/core';

/** One of `count` equal parts of some work; rank counts from 0. */
export interface Shard {
  readonly rank: number;
  readonly count: number;
}

/** All of the work. */
export const WHOLE: Shard = { rank: 0, count: 1 };

/**
 * Where launchers and schedulers tell a process its rank and their number, the most specific first: an MPI launcher or
 * torchrun inside a batch job wins over the job's own variables. `base` is the first rank they count from.
 */
const LAUNCHERS: readonly { name: string; rank: string; count: string; base?: string }[] = [
  { name: 'Open MPI', rank: 'OMPI_COMM_WORLD_RANK', count: 'OMPI_COMM_WORLD_SIZE' },
  { name: 'MPICH or Intel MPI', rank: 'PMI_RANK', count: 'PMI_SIZE' },
  { name: 'torchrun', rank: 'RANK', count: 'WORLD_SIZE' },
  {
    name: 'Slurm',
    rank: 'SLURM_ARRAY_TASK_ID',
    count: 'SLURM_ARRAY_TASK_COUNT',
    base: 'SLURM_ARRAY_TASK_MIN',
  },
  { name: 'Slurm', rank: 'SLURM_PROCID', count: 'SLURM_NTASKS' },
  { name: 'AWS Batch', rank: 'AWS_BATCH_JOB_ARRAY_INDEX', count: 'AWS_BATCH_JOB_ARRAY_SIZE' },
  { name: 'Kubernetes', rank: 'JOB_COMPLETION_INDEX', count: 'JOB_COMPLETIONS' },
];

/** A shard from text such as "2/7": the third of seven. Throws 'invalid-argument'. */
export function parseShard(text: string): Shard {
  const match = /^(\d+)\/(\d+)$/.exec(text.trim());
  const shard = match && { rank: Number(match[1]), count: Number(match[2]) };
  if (shard && shard.rank < shard.count) return shard;
  throw new RevatError(
    'invalid-argument',
    `shard: cannot read "${text}". Write i/n with 0 <= i < n, e.g. 0/4 for the first of four.`,
  );
}

/**
 * The shard of this process by the variables of its launcher or scheduler, and whose they are; the whole work where
 * there are none. A launcher whose rank does not lie below its count is an error ('invalid-argument'), not ignored.
 */
export function inferShard(
  environment: Readonly<Record<string, string | undefined>>,
): Shard & { source?: string } {
  for (const { name, rank, count, base } of LAUNCHERS) {
    const ranks = environment[rank];
    const counts = environment[count];
    if (ranks === undefined || counts === undefined) continue;
    const first = Number((base && environment[base]) || 0);
    const shard = { rank: Number(ranks) - first, count: Number(counts), source: name };
    if (Number.isInteger(shard.rank) && shard.rank >= 0 && shard.rank < shard.count) return shard;
    throw new RevatError(
      'invalid-argument',
      `shard: ${name} gives ${rank}=${ranks} and ${count}=${counts}, which is no shard. Give --shard i/n.`,
    );
  }
  return WHOLE;
}
