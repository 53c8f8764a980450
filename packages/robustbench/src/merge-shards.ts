import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

import { RevatError } from '@revat/core';
import { writeFileAtomically } from '@revat/distributed';

import { shardSuffix } from './evaluation-run.js';
import {
  journalText,
  readJournal,
  type CommitRecord,
  type JournaledChunk,
  type SampleRecord,
} from './journal.js';

/** One journal that was put together. */
export interface MergedEvaluation {
  readonly journal: string;
  readonly shards: number;
  readonly chunks: number;
  readonly samples: number;
}

interface ShardJournal {
  readonly recipe: object;
  readonly chunks: readonly JournaledChunk<SampleRecord, CommitRecord>[];
}

const SHARD_JOURNAL = /^journal-(\d+)-of-(\d+)\.jsonl$/;

/**
 * Puts the journals of all shards under an output folder together: every `journal.jsonl` has the bytes that one process would
 * have written. `evaluate` without `shard` then reads the whole result from there. Merging again changes nothing.
 *
 * @returns what was merged, in the order of the folders
 * @throws RevatError 'not-found' if there is nothing to merge, 'mismatch' if a shard is missing, unfinished or of another
 *   recipe (nothing of that folder is written then), 'invalid-file', 'io'
 */
export async function mergeShards(out: string): Promise<MergedEvaluation[]> {
  const entries = await readdir(out, { recursive: true, withFileTypes: true }).catch((cause: Error) => {
    throw new RevatError(
      'not-found',
      `merge: cannot read ${out}: ${cause.message}. Give the output folder of an evaluation.`,
      {
        cause,
      },
    );
  });
  const counts = new Map<string, number>();
  for (const { name, parentPath } of entries) {
    const match = SHARD_JOURNAL.exec(name);
    if (match) counts.set(parentPath, agreedCount(parentPath, counts.get(parentPath), Number(match[2])));
  }
  if (counts.size === 0)
    throw new RevatError(
      'not-found',
      `merge: ${out} holds no journals of shards. Evaluate with shard, e.g. 0/4, first.`,
    );
  const merged: MergedEvaluation[] = [];
  for (const folder of [...counts.keys()].sort())
    merged.push(await mergeFolder(folder, counts.get(folder) as number));
  return merged;
}

function agreedCount(folder: string, known: number | undefined, count: number): number {
  if (known === undefined || known === count) return count;
  throw new RevatError(
    'mismatch',
    `merge: ${folder} holds shards of ${known} and of ${count}. Remove those that do not belong.`,
  );
}

async function mergeFolder(folder: string, count: number): Promise<MergedEvaluation> {
  const shards: ShardJournal[] = [];
  for (let rank = 0; rank < count; rank++)
    shards.push(await readJournal(path.join(folder, `journal${shardSuffix({ rank, count })}.jsonl`)));
  const recipe = commonRecipe(shards, folder);
  const chunks = interleave(shards, folder);
  const samples = chunks.reduce((sum, chunk) => sum + chunk.samples.length, 0);
  if (samples !== recipe.data.samples)
    throw new RevatError(
      'mismatch',
      `merge: the shards in ${folder} hold ${samples} of ${recipe.data.samples} images. Let every shard finish first.`,
    );
  const journal = path.join(folder, 'journal.jsonl');
  writeFileAtomically(journal, journalText(recipe, chunks));
  await mergeSeconds(folder, count);
  return { journal, shards: count, chunks: chunks.length, samples };
}

/** Times of all shards: computing time, since shards may have run at the same time. */
async function mergeSeconds(folder: string, count: number): Promise<void> {
  const parts = Array.from({ length: count }, (_, rank) =>
    readFile(path.join(folder, `seconds${shardSuffix({ rank, count })}.jsonl`), 'utf8').catch(() => ''),
  );
  writeFileAtomically(path.join(folder, 'seconds.jsonl'), (await Promise.all(parts)).join(''));
}

/** The recipe that all shards share, as a whole evaluation writes it. */
function commonRecipe(shards: readonly ShardJournal[], folder: string): { data: { samples: number } } {
  const [first, ...others] = shards.map(({ recipe }) => JSON.stringify({ ...recipe, shard: null }));
  const odd = others.findIndex((recipe) => recipe !== first) + 1;
  if (odd > 0)
    throw new RevatError(
      'mismatch',
      `merge: shard ${odd} in ${folder} belongs to another recipe than shard 0.`,
    );
  return JSON.parse(first) as { data: { samples: number } };
}

/** Chunk 0 of shard 0, chunk 1 of shard 1, ... */
function interleave(shards: readonly ShardJournal[], folder: string): ShardJournal['chunks'] {
  const chunks = shards.flatMap((shard) => shard.chunks);
  const sorted = [...chunks].sort((a, b) => a.commit.commit - b.commit.commit);
  const gap = sorted.findIndex(({ commit }, i) => commit.commit !== i);
  if (gap < 0) return sorted;
  throw new RevatError(
    'mismatch',
    `merge: chunk ${gap} is missing in ${folder}. Let every shard finish first.`,
  );
}
