export type { ConvNextIsotropicConfig } from './convnext-isotropic.js';
export type { ConvNextConfig } from './convnext.js';
export type { InternImageConfig } from './internimage.js';
export type { CommonConfig, DropPathConfig, ModelConfig, StemConfig } from './model-config.js';
export type { Model, Network, Stage } from './model.js';
export type { ChannelStatistics, Normalization } from './normalization.js';
export {
  interpolatePositions,
  type InterpolatePositionsOptions,
  type PositionInterpolation,
  type TokenGrid,
} from './position-embedding.js';
export {
  countParameters,
  profile,
  type LayerProfile,
  type ModelProfile,
  type ProfileTotals,
} from './profile.js';
export { createModel, modelNames, type ModelOptions } from './registry.js';
export type { ResNetConfig } from './resnet.js';
export type { RobArchConfig } from './robarch.js';
export type { SwinConfig } from './swin.js';
export { withCifarStrides, withImageSize, withNumClasses } from './surgery.js';
export type { VitConfig } from './vit.js';
export * from './weights/index.js';
export type { XcitConfig } from './xcit.js';
export { modelZoo, ZOO, type PrintedCounts, type ZooEntry, type ZooListing } from './zoo.js';
export type { PublishedCheckpoint } from './zoo-checkpoints.js';
