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

  /** Addresses of the samples, if the threads have them all. */
  kept(indices: ArrayLike<number>): Float64Array | undefined {
    const addresses = new Float64Array(indices.length);
    for (let i = 0; i < indices.length; i++) {
      const address = this.memory.addressOf(indices[i]);
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

  /**
   * Sources of the samples `indices` in the form that a task has them. Samples that do not change are kept for later tasks; others
   * are written anew, in memory for the batch memory of that number: no two tasks use the same at a time.
   */
  pack(batch: number, indices: readonly number[], sources: readonly SampleSource[]): LoaderTask['samples'] {
    if (!sources.every(isInMemory)) return JSON.stringify(sources);
    if (this.dataset.immutable) {
      const addresses = sources.map((sample, i) => this.memory.keep(indices[i], sample));
      if (addresses.every((address) => address !== undefined)) return Float64Array.from(addresses);
    }
    return this.memory.write(batch, sources);
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
