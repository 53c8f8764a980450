export type { BadSample } from './bad-samples.js';
export type { Batch } from './batch.js';
export {
  checkDataset,
  formatDatasetCheck,
  type DatasetCheck,
  type DatasetCheckOptions,
} from './check-dataset.js';
export { cifar10, cifar100, type Cifar100Options, type CifarOptions } from './cifar.js';
export { decodeImage, type DecodeOptions } from './decode-image.js';
export { digits, type DigitsOptions } from './digits.js';
export type { Shard } from './epoch-order.js';
export { flowers102, imageList, type Flowers102Options } from './flowers102.js';
export type { ImageDataset, ImageSample, SampleLocation } from './image-dataset.js';
export { imageFolder, type ImageFolderOptions } from './image-folder.js';
export type { LoaderOptions, LoaderPosition } from './loader-options.js';
export { createLoader, type Loader, type LoaderStatistics } from './loader.js';
export { imagenetSynsets, robustbenchImagenet, robustbenchImageNames } from './robustbench-imagenet.js';
export { streamDataset, type StreamDatasetOptions } from './stream-dataset.js';
export { mapClasses, randomSubset, splitDataset, subset } from './subset.js';
export { tarShards, type TarShardsOptions } from './tar-shards.js';
