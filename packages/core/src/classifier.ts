import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

/**
 * Logits [B, K] of images [B, H, W, C], float32 in [0, 1], NHWC. Pure: keeps and disposes nothing of the caller's;
 * the caller disposes the logits. Normalisation, if the network wants any, happens inside.
 */
export type Classifier = (images: Tensor4D) => Tensor2D;
