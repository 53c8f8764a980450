import type { ImageDataset, ImageSample } from './image-dataset.js';
import { SampleMemory, type SampleChunk } from './sample-memory.js';
import { reasonOf } from './sample-preparer.js';
import type { LoaderTask, SampleSource } from './worker-task.js';

/** Where a sample is to be had from, or why it is not. */
type KnownSource = SampleSource | { readonly id: number; readonly reason: string };

/** Where worker threads have the samples of a data set from: files that they read, or shared memory. */
export class SampleSources {
  private readonly memory: SampleMemory;

  /** `announce` tells the threads of shared memory. */
  constructor(
    private readonly dataset: ImageDataset,
    announce: (chunk: SampleChunk) => void,
  ) {
    this.memory = new SampleMemory(announce);
  }

  /** Addresses of samples that do not change, which the threads have or get now; undefined if not all are to be had at once. */
  kept(indices: ArrayLike<number>): Float64Array | undefined {
    if (!this.dataset.immutable || this.dataset.locate) return undefined;
    const addresses = new Float64Array(indices.length);
    for (let i = 0; i < indices.length; i++) {
      const address = this.memory.addressOf(indices[i]) ?? this.keep(indices[i]);
      if (address === undefined) return undefined;
      addresses[i] = address;
    }
    return addresses;
  }

  /** Locations that threads can read, or samples that only this thread can; at once unless the data set takes time for them. */
  of(indices: ArrayLike<number>): KnownSource[] | Promise<KnownSource[]> {
    const sources = Array.from(indices, (index) => this.sourceOf(index));
    const isKnown = (source: KnownSource | Promise<KnownSource>) => !(source instanceof Promise);
    if (sources.every(isKnown)) return sources as KnownSource[];
    return Promise.all(sources.map(async (source) => source));
  }

  /** Sources in the form that a task has them, for the batch memory of that number: no two tasks use the same at a time. */
  pack(batch: number, sources: readonly SampleSource[]): LoaderTask['samples'] {
    return sources.every(isInMemory) ? this.memory.write(batch, sources) : JSON.stringify(sources);
  }

  private keep(index: number): number | undefined {
    const sample = this.sourceOf(index);
    return 'pixels' in sample ? this.memory.keep(index, sample) : undefined;
  }

  private sourceOf(index: number): KnownSource | Promise<KnownSource> {
    const { dataset } = this;
    if (dataset.locate) return dataset.locate(index);
    const refused = (error: unknown) => ({ id: index, reason: reasonOf(error) });
    try {
      // Only copied; the threads write into copies of their own.
      const sample = dataset.sample(index, { readOnly: true });
      return sample instanceof Promise ? sample.catch(refused) : sample;
    } catch (error) {
      return refused(error);
    }
  }
}

function isInMemory(source: SampleSource): source is ImageSample {
  return 'pixels' in source;
}
