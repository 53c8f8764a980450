/** Samples that are in memory, in shared memory: where threads read them that cannot be given them. */
import type { ImageSample } from './image-dataset.js';

/** A piece of shared memory, of which every thread is told once. */
export interface SampleChunk {
  readonly chunk: number;
  readonly samples: SharedArrayBuffer;
}

/** Numbers before the pixels of a sample: width, height, label, id. */
const FIELDS = 4;
const HEADER_BYTES = FIELDS * Float64Array.BYTES_PER_ELEMENT;

const CHUNK_BYTES = 1 << 22;
/** Samples that do not change are kept up to that many bytes. */
const MAX_KEPT_BYTES = 1 << 28;

/** An address is number of the chunk times this, plus the place in it. */
const CHUNK_SPAN = 2 ** 32;

/** The memory as its owner sees it. */
export class SampleMemory {
  private readonly chunks: SharedArrayBuffer[] = [];
  /** The chunk of each batch. */
  private readonly chunkOfBatch: number[] = [];
  /** Addresses of kept samples, by index in the data set. */
  private readonly kept = new Map<number, number>();
  private keptBytes = 0;
  /** Where the next kept sample goes. */
  private next = { chunk: -1, place: Infinity };

  constructor(
    private readonly announce: (chunk: SampleChunk) => void,
    private readonly maxKeptBytes = MAX_KEPT_BYTES,
  ) {}

  /** Writes the samples of a batch; their addresses, until the next of the same number. */
  write(batch: number, samples: readonly ImageSample[]): Float64Array {
    const total = samples.reduce((sum, sample) => sum + bytesOf(sample), 0);
    this.chunkOfBatch[batch] ??= this.addChunk(total);
    const chunk = this.chunkOfBatch[batch];
    if (this.chunks[chunk].byteLength < total) this.setChunk(chunk, total);
    let place = 0;
    return Float64Array.from(samples, (sample) => {
      const address = this.put(chunk, place, sample);
      place += bytesOf(sample);
      return address;
    });
  }

  addressOf(index: number): number | undefined {
    return this.kept.get(index);
  }

  /** Keeps a sample for good, once. Its address, or undefined if there are too many. */
  keep(index: number, sample: ImageSample): number | undefined {
    const known = this.kept.get(index);
    if (known !== undefined) return known;
    const bytes = bytesOf(sample);
    if (this.keptBytes + bytes > this.maxKeptBytes) return undefined;
    if (this.next.place + bytes > (this.chunks[this.next.chunk]?.byteLength ?? 0))
      this.next = { chunk: this.addChunk(Math.max(CHUNK_BYTES, bytes)), place: 0 };
    const address = this.put(this.next.chunk, this.next.place, sample);
    this.next.place += bytes;
    this.keptBytes += bytes;
    this.kept.set(index, address);
    return address;
  }

  private addChunk(bytes: number): number {
    return this.setChunk(this.chunks.length, bytes);
  }

  private setChunk(chunk: number, bytes: number): number {
    this.chunks[chunk] = new SharedArrayBuffer(bytes);
    this.announce({ chunk, samples: this.chunks[chunk] });
    return chunk;
  }

  private put(chunk: number, place: number, { pixels, width, height, label, id }: ImageSample): number {
    const memory = this.chunks[chunk];
    new Float64Array(memory, place, FIELDS).set([width, height, label, id]);
    new Uint8Array(memory, place + HEADER_BYTES, pixels.length).set(pixels);
    return chunk * CHUNK_SPAN + place;
  }
}

/** The sample at an address; its pixels are a copy, since augmentations may write into them. */
export function sampleAt(chunks: readonly SharedArrayBuffer[], address: number): ImageSample {
  const memory = chunks[Math.floor(address / CHUNK_SPAN)];
  const place = address % CHUNK_SPAN;
  const [width, height, label, id] = new Float64Array(memory, place, FIELDS);
  const pixels = new Uint8Array(memory, place + HEADER_BYTES, width * height * 3).slice();
  return { pixels, width, height, label, id };
}

/** Bytes that a sample takes: whole numbers of 64 bits. */
function bytesOf({ pixels }: ImageSample): number {
  return HEADER_BYTES + Math.ceil(pixels.length / 8) * 8;
}
