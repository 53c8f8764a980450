import type { Box, RgbImage } from '@revat/augment';

/** One labelled image. */
export interface ImageSample extends RgbImage {
  /** [height, width, 3] RGB bytes. */
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** Class index, 0 <= label < classNames.length. */
  readonly label: number;
  /** Stable integer id of the sample in its data set; randomness and journals are keyed by it. */
  readonly id: number;
}

/** The part of a width x height image that is needed. */
export type Region = (width: number, height: number) => Box;

export interface SampleOptions {
  /** The caller does not write into the pixels: spares data sets in memory a copy. */
  readonly readOnly?: boolean;
  /** The caller reads no pixels outside: they need not be decoded and may be anything. */
  readonly region?: Region;
}

/** A finite, indexable set of labelled images. Cheap to hold: pixels are read when a sample is asked for. */
export interface ImageDataset {
  readonly name: string;
  readonly length: number;
  readonly classNames: readonly string[];
  /**
   * Sample `index`, 0 <= index < length. Rejects with a RevatError 'invalid-file' or 'not-found' if the file behind it
   * cannot be read, naming the file. The caller may write into the pixels unless it asks for `readOnly`.
   */
  sample(index: number, options?: SampleOptions): Promise<ImageSample> | ImageSample;
  /** True if a sample's pixels are always the same: a loader sends them to its worker threads only once. */
  readonly immutable?: boolean;
  /** True for data that can only be read in order: a loader must not shuffle it. */
  readonly sequential?: boolean;
  /** Where the bytes of a sample lie, so that worker threads can read them; absent for samples that exist in memory only. */
  locate?(index: number): SampleLocation;
}

/** The bytes of one sample in a file. */
export interface SampleLocation {
  readonly path: string;
  /** First byte and number of bytes; the whole file when absent. */
  readonly offset?: number;
  readonly length?: number;
  /** 'image': an encoded image file; 'planes': 32x32 bytes of red, then green, then blue (CIFAR). */
  readonly encoding: 'image' | 'planes';
  readonly label: number;
  readonly id: number;
}
