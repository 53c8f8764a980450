export type { BadSample } from './bad-samples.js';
export type { Batch } from './batch.js';
export { digits, type DigitsOptions } from './digits.js';
export type { Shard } from './epoch-order.js';
export type { ImageDataset, ImageSample, SampleLocation } from './image-dataset.js';
export type { LoaderOptions, LoaderPosition } from './loader-options.js';
export { createLoader, type Loader, type LoaderStatistics } from './loader.js';
