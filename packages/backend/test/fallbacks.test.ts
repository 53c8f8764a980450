import { expect, test } from '@jest/globals';

import { allCpuKernels } from '../src/cpu-kernels.js';
import { customKernels } from '../src/kernels/index.js';
import { lowerings } from '../src/lowerings/index.js';

/** The kernels that always run on the JavaScript kernels, by reason. A new lowering takes its kernel off this list. */
const FALLBACKS: Record<string, string> = {
  'no computation, or known at once': 'ExpandDims Fill Identity LinSpace Range Reshape',
  'shapes that depend on values':
    'Bincount BroadcastArgs DenseBincount NonMaxSuppressionV3 NonMaxSuppressionV4 NonMaxSuppressionV5 RaggedGather RaggedRange ' +
    'RaggedTensorToTensor SearchSorted SparseFillEmptyRows SparseReshape SparseSegmentMean SparseSegmentSum SparseToDense Unique',
  'texts, complex numbers, pictures, random numbers':
    'Complex ComplexAbs Draw FFT IFFT Imag Multinomial Real StaticRegexReplace StringNGrams StringSplit StringToHashBucketFast',
  'three spatial dimensions':
    'AvgPool3D AvgPool3DGrad Conv3D Conv3DBackpropFilterV2 Conv3DBackpropInputV2 MaxPool3D MaxPool3DGrad',
  'rare in image classifiers':
    'Atan2 BitwiseAnd CropAndResize Cumprod Diag Dilation2D Dilation2DBackpropFilter Dilation2DBackpropInput Einsum Expm1 ' +
    'FlipLeftRight FloorDiv GatherNd LRN LRNGrad Log1p MaxPoolWithArgmax Mod RotateWithOffset ScatterNd Tan TensorScatterUpdate ' +
    'Transform',
};

test('these kernels have no lowering, and no others', () => {
  const lowered = new Set([
    ...lowerings.map(({ kernel }) => kernel),
    ...customKernels.map(({ lowering }) => lowering.kernel),
  ]);
  const left = [...allCpuKernels().keys()].filter((kernel) => !lowered.has(kernel));
  expect(left.sort()).toEqual(Object.values(FALLBACKS).join(' ').split(' ').sort());
});
