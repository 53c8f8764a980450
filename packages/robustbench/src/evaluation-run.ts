/**
 * Runs one task (clean predictions, a threat model, a radius curve) of one model chunk by chunk, journaling as it goes.
 */
import { appendFile, readFile, stat } from 'node:fs/promises';
import path from 'node:path';

import { RevatError, throwIfAborted } from '@revat/core';
import { WHOLE, type Shard } from '@revat/distributed';

import { writeAdversarialExamples, type AdversarialExamples } from './adversarial-examples.js';
import type { Chunk, ChunkedData } from './evaluation-data.js';
import { openJournal, type CommitRecord, type JournaledChunk, type SampleRecord } from './journal.js';

/** One model under one question: everything that decides the bytes of its journal is in `recipe`. */
export interface EvaluationTask<S extends SampleRecord, C extends object> {
  /** Folder of the journal under `out`. */
  readonly folder: string;
  readonly recipe: object;
  evaluate(chunk: Chunk, index: number): Promise<ChunkOutcome<S, C>>;
}

export interface ChunkOutcome<S extends SampleRecord, C extends object> {
  readonly samples: readonly S[];
  /** What the closing line says beside the chunk's number and input. */
  readonly summary: C;
  /** Adversarial examples to keep, if there are any. */
  readonly adversarial?: AdversarialExamples;
}

export interface RunOptions {
  readonly out?: string;
  readonly resume?: boolean;
  /** Which chunks to evaluate: rank, rank + count, rank + 2 count, ... */
  readonly shard?: Shard;
  readonly signal?: AbortSignal;
}

type Commit<C> = C & CommitRecord & { readonly adversarial: string | null };
export type FinishedChunk<S extends SampleRecord, C extends object> = JournaledChunk<S, Commit<C>>;

export interface FinishedRun<S extends SampleRecord, C extends object> {
  readonly chunks: readonly FinishedChunk<S, C>[];
  /** Wall time of all finished chunks, those of earlier, interrupted runs included. */
  readonly seconds: number;
}

/**
 * Evaluates every chunk of the shard that the journal does not hold yet. `onChunk` is told of every finished chunk, resumed
 * ones included. Throws what the task, the journal and the data throw, and 'aborted' between chunks.
 */
export async function runTask<S extends SampleRecord, C extends object>(
  task: EvaluationTask<S, C>,
  data: ChunkedData,
  options: RunOptions,
  onChunk: (chunk: FinishedChunk<S, C>, resumed: boolean) => void,
): Promise<FinishedRun<S, C>> {
  const shard = checkShard(options.shard);
  const wanted = Array.from({ length: data.chunks }, (_, i) => i).filter(
    (i) => i % shard.count === shard.rank,
  );
  const store = await openStore<S, C>(task, options, shard);
  try {
    await checkResumed(store.chunks, wanted, data, store.folder);
    for (const chunk of store.chunks) onChunk(chunk, true);
    let seconds = store.seconds;
    for (const index of wanted.slice(store.chunks.length)) {
      throwIfAborted(options.signal, 'evaluate');
      const started = performance.now();
      const chunk = await data.load(index);
      try {
        const { samples, summary, adversarial } = await task.evaluate(chunk, index);
        const file = adversarial ? await store.keep(index, adversarial) : null;
        const commit = { commit: index, input: chunk.hash, ...summary, adversarial: file };
        const finished = { samples, commit };
        const spent = (performance.now() - started) / 1000;
        await store.append(finished, spent);
        seconds += spent;
        onChunk(finished, false);
      } finally {
        chunk.images.dispose();
      }
    }
    return { chunks: store.chunks, seconds };
  } finally {
    await store.close();
  }
}

/** Where finished chunks go: a folder, or memory when no output folder is given. */
interface ChunkStore<S extends SampleRecord, C extends object> {
  readonly folder: string | null;
  readonly chunks: readonly FinishedChunk<S, C>[];
  readonly seconds: number;
  /** Stores adversarial examples; returns the name of the file, null if nothing is kept. */
  keep(chunk: number, examples: AdversarialExamples): Promise<string | null>;
  append(chunk: FinishedChunk<S, C>, seconds: number): Promise<void>;
  close(): Promise<void>;
}

async function openStore<S extends SampleRecord, C extends object>(
  task: EvaluationTask<S, C>,
  { out, resume }: RunOptions,
  shard: Shard,
): Promise<ChunkStore<S, C>> {
  if (out === undefined) {
    const chunks: FinishedChunk<S, C>[] = [];
    return {
      folder: null,
      chunks,
      seconds: 0,
      keep: async () => null,
      append: async (chunk) => void chunks.push(chunk),
      close: async () => undefined,
    };
  }
  const folder = path.join(out, task.folder);
  const suffix = shardSuffix(shard);
  const recipe = { ...task.recipe, shard: shard.count > 1 ? shard : null };
  const journal = await openJournal<S, Commit<C>>(path.join(folder, `journal${suffix}.jsonl`), recipe, {
    resume,
  });
  const timings = path.join(folder, `seconds${suffix}.jsonl`);
  return {
    folder,
    chunks: journal.chunks,
    seconds: await readSeconds(timings, journal.chunks.length),
    keep: async (chunk, examples) => {
      const name = `adversarial-${String(chunk).padStart(5, '0')}.safetensors`;
      await writeAdversarialExamples(path.join(folder, name), examples);
      return name;
    },
    append: async (chunk, seconds) => {
      await journal.append(chunk);
      await appendFile(timings, `${JSON.stringify({ commit: chunk.commit.commit, seconds })}\n`);
    },
    close: () => journal.close(),
  };
}

/** What tells the files of a shard from those of the whole: "" or "-2-of-7". */
export function shardSuffix({ rank, count }: Shard): string {
  return count > 1 ? `-${rank}-of-${count}` : '';
}

/** Times are no evidence: what cannot be read counts as nothing, a chunk that was done twice counts once. */
async function readSeconds(file: string, commits: number): Promise<number> {
  if (commits === 0) return 0;
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
  const byChunk = new Map<number, number>();
  for (const line of lines) {
    const match = /^\{"commit":(\d+),"seconds":([\d.e+-]+)\}$/.exec(line);
    if (match) byChunk.set(Number(match[1]), Number(match[2]));
  }
  return [...byChunk.values()].reduce((sum, seconds) => sum + seconds, 0);
}

/** The journal must hold a beginning of the wanted chunks, of the same images, with its adversarial examples. */
async function checkResumed<S extends SampleRecord, C extends object>(
  chunks: readonly FinishedChunk<S, C>[],
  wanted: readonly number[],
  data: ChunkedData,
  folder: string | null,
): Promise<void> {
  if (folder === null || chunks.length === 0) return;
  const strange = chunks.findIndex(
    ({ commit, samples }, i) => commit.commit !== wanted[i] || samples.length !== data.chunkSize(wanted[i]),
  );
  if (strange >= 0)
    throw new RevatError(
      'invalid-file',
      `journal: ${folder} is damaged: its chunk ${strange} is not the one that belongs there. Start in another output folder.`,
    );
  for (const { commit } of chunks) {
    if (commit.adversarial === null) continue;
    const file = path.join(folder, path.basename(commit.adversarial));
    await stat(file).catch((cause: unknown) => {
      throw new RevatError(
        'not-found',
        `journal: ${file} is missing. Put it back, or start in another output folder.`,
        { cause },
      );
    });
  }
  const first = await data.load(wanted[0]);
  first.images.dispose();
  if (first.hash !== chunks[0].commit.input)
    throw new RevatError(
      'mismatch',
      `journal: ${folder} was written for other images than ${data.name} holds now. ` +
        'Restore the data, or choose another output folder.',
    );
}

function checkShard({ rank, count }: Shard = WHOLE): Shard {
  if (Number.isInteger(rank) && Number.isInteger(count) && rank >= 0 && rank < count) return { rank, count };
  throw new RevatError(
    'invalid-argument',
    `evaluate: shard ${rank} of ${count} does not exist. Ranks go from 0 to count - 1.`,
  );
}
