import { batchNorm } from './batch-norm.js';
import { conv2d } from './conv2d.js';
import { depthwiseConv2d } from './depthwise-conv2d.js';
import { elementwiseBinary } from './elementwise-binary.js';
import { elementwiseUnary } from './elementwise-unary.js';
import { indexing } from './indexing.js';
import type { Lowering } from './lowering.js';
import { matmul } from './matmul.js';
import { pooling } from './pooling.js';
import { rearrangements } from './rearrangements.js';
import { reductions } from './reductions.js';
import { resize } from './resize.js';
import { shapes } from './shapes.js';

/** Every kernel of TensorFlow.js that the engine can run; all others stay on the CPU kernels. */
export const lowerings: readonly Lowering[] = [
  ...elementwiseBinary,
  ...elementwiseUnary,
  ...reductions,
  ...shapes,
  ...matmul,
  ...conv2d,
  ...depthwiseConv2d,
  ...pooling,
  ...batchNorm,
  ...resize,
  ...indexing,
  ...rearrangements,
];
