/**
 * Mutated safetensors files, pickles and archives: every one is read or refused with a RevatError, quickly and without
 * touching a prototype or memory out of proportion. More runs: REVAT_FUZZ_RUNS=200000 npx jest weights-fuzz
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isRevatError } from '@revat/core';
import { readCheckpoint } from '../src/weights/checkpoint.js';
import { fixture } from './fixture-files.js';
import { headerMutations, mutations, pickles } from './mutations.js';
import { unzip, zip } from './zip-archive.js';

const RUNS = Number(process.env.REVAT_FUZZ_RUNS ?? 20_000);
/** Processor time of one file. */
const SLOWEST_MS = 1000;
/** 16 times the file and 64 MB is what views may be copied to; the rest is for the process itself. */
const MOST_EXTRA_BYTES = 256e6;

function checkpoint(name: string): Uint8Array {
  return new Uint8Array(readFileSync(fixture('checkpoints', name)));
}

/** Reads a file; anything but tensors or a RevatError, and any slowness, is a finding. */
async function survives(bytes: Uint8Array): Promise<void> {
  const start = process.cpuUsage();
  try {
    const { tensors } = await readCheckpoint(bytes);
    for (const { data } of tensors.values())
      expect(data.byteLength).toBeLessThanOrEqual(16 * bytes.length + 2 ** 26);
  } catch (error) {
    if (!isRevatError(error)) throw error;
  }
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1000).toBeLessThan(SLOWEST_MS);
}

async function fuzz(share: number, files: fc.Arbitrary<Uint8Array>): Promise<void> {
  const prototype = JSON.stringify(Object.getOwnPropertyNames(Object.prototype));
  const before = process.resourceUsage().maxRSS;
  await fc.assert(fc.asyncProperty(files, survives), { numRuns: Math.ceil(share * RUNS), seed: 20261123 });
  expect(JSON.stringify(Object.getOwnPropertyNames(Object.prototype))).toBe(prototype);
  expect((process.resourceUsage().maxRSS - before) * 1024).toBeLessThan(MOST_EXTRA_BYTES);
}

function mutated(originals: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  return fc.tuple(fc.constantFrom(...originals), mutations).map(([original, mutate]) => mutate(original));
}

/** The archive's pickle and its storages in order. */
function recordsOf(archive: Uint8Array): { pickle: Uint8Array; storages: Uint8Array[] } {
  const records = unzip(archive);
  const storages: Uint8Array[] = [];
  for (let key = 0; records.has(`data/${key}`); key++) storages.push(records.get(`data/${key}`)!);
  return { pickle: records.get('data.pkl')!, storages };
}

function repacked(pickle: Uint8Array, storages: readonly Uint8Array[]): Uint8Array {
  return zip([
    ['a/data.pkl', pickle],
    ...storages.map((storage, key) => [`a/data/${key}`, storage] as const),
  ]);
}

test('the unchanged originals load, also repacked', async () => {
  const { pickle, storages } = recordsOf(checkpoint('g_strided_shared.pt'));
  const { tensors } = await readCheckpoint(repacked(pickle, storages));
  expect(tensors).toEqual((await readCheckpoint(checkpoint('g_strided_shared_legacy.pt'))).tensors);
});

describe(`${RUNS} mutated files`, () => {
  test('safetensors', async () => {
    await fuzz(0.2, mutated([checkpoint('h_mixed.safetensors'), checkpoint('expected_mixed.safetensors')]));
  }, 600_000);

  test('safetensors headers whose length prefix is right', async () => {
    const file = checkpoint('h_mixed.safetensors');
    const length = Number(new DataView(file.buffer).getBigUint64(0, true));
    const header = file.slice(8, 8 + length);
    const files = fc.oneof(mutations, headerMutations).map((mutate) => {
      const changed = mutate(header);
      const prefix = Buffer.alloc(8);
      prefix.writeBigUInt64LE(BigInt(changed.length));
      return Buffer.concat([prefix, changed, file.subarray(8 + length)]);
    });
    await fuzz(0.25, files);
  }, 600_000);

  test('archives', async () => {
    await fuzz(0.15, mutated([checkpoint('g_strided_shared.pt'), checkpoint('e_mixed_dtypes.pt')]));
  }, 600_000);

  test('pickles in archives with right checksums', async () => {
    const { pickle, storages } = recordsOf(checkpoint('g_strided_shared.pt'));
    await fuzz(
      0.15,
      mutations.map((mutate) => repacked(mutate(pickle), storages)),
    );
  }, 600_000);

  test('legacy streams', async () => {
    await fuzz(
      0.15,
      mutated([checkpoint('g_strided_shared_legacy.pt'), checkpoint('f_legacy_mixed_dtypes.pt')]),
    );
  }, 600_000);

  test('random programs of the pickle machine', async () => {
    const storage = new Uint8Array(64);
    await fuzz(
      0.1,
      pickles.map((pickle) => repacked(pickle, [storage])),
    );
  }, 600_000);
});
