import { expect, test } from '@jest/globals';

import type { ImageSample } from './image-dataset.js';
import { sampleAt, SampleMemory, type SampleChunk } from './sample-memory.js';

function sample(id: number, width: number, height: number): ImageSample {
  return { id, label: id % 3, width, height, pixels: new Uint8Array(width * height * 3).fill(id) };
}

/** The memory, and the chunks as a thread knows them. */
function shared(maxKeptBytes?: number) {
  const chunks: SharedArrayBuffer[] = [];
  const announce = ({ chunk, samples }: SampleChunk) => (chunks[chunk] = samples);
  return { memory: new SampleMemory(announce, maxKeptBytes), chunks };
}

test('batches are read as they were written, also larger ones than before', () => {
  const { memory, chunks } = shared();
  for (const batch of [
    [sample(1, 2, 3), sample(2, 1, 1)],
    [sample(3, 50, 40), sample(4, 7, 5)],
    [sample(5, 3, 3)],
  ]) {
    const addresses = memory.write(0, batch);
    const other = memory.write(1, [sample(9, 4, 4)]);
    expect(Array.from(addresses, (address) => sampleAt(chunks, address))).toEqual(batch);
    expect(sampleAt(chunks, other[0])).toEqual(sample(9, 4, 4));
  }
});

test('kept samples stay, whatever is written later', () => {
  const { memory, chunks } = shared();
  const samples = Array.from({ length: 40 }, (_, id) => sample(id, 300, 200 + id));
  samples.forEach((each, index) => memory.keep(index, each));
  memory.write(0, [sample(7, 30, 30)]);
  samples.forEach((each, index) => expect(sampleAt(chunks, memory.addressOf(index)!)).toEqual(each));
  expect(memory.addressOf(40)).toBeUndefined();
  expect(chunks.length).toBeLessThan(5);
});

test('a sample is its reader’s to change', () => {
  const { memory, chunks } = shared();
  const address = memory.keep(0, sample(1, 2, 2))!;
  sampleAt(chunks, address).pixels.fill(0);
  expect(sampleAt(chunks, address)).toEqual(sample(1, 2, 2));
});

test('a sample is kept once, and not at all if it does not fit', () => {
  const { memory } = shared(2500);
  expect(memory.keep(0, sample(1, 20, 20))).toBe(0);
  expect(memory.keep(0, sample(1, 20, 20))).toBe(0);
  expect(memory.keep(1, sample(2, 20, 18))).toBeGreaterThan(0);
  expect(memory.keep(2, sample(3, 20, 20))).toBeUndefined();
  expect(memory.addressOf(2)).toBeUndefined();
});
