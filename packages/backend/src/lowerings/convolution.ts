import { backend_util } from '@tensorflow/tfjs-core';

import type { Window } from './blocked-layout.js';

/** The geometry of a 2-D convolution in the NHWC layout. */
export interface Convolution {
  /** [N, H, W, I] */
  readonly inputShape: readonly [number, number, number, number];
  /** [N, oh, ow, O] */
  readonly outputShape: readonly [number, number, number, number];
  readonly window: Window;
  /** Whether the windows tile the input without overlap, gaps or padding (1x1 and "patchify" convolutions). */
  readonly isPatchwise: boolean;
}

interface ConvolutionAttrs {
  readonly strides: number | [number, number];
  readonly dilations?: number | [number, number];
  readonly pad: 'valid' | 'same' | number | backend_util.ExplicitPadding;
  readonly dataFormat?: 'NHWC' | 'NCHW';
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** The geometry of a convolution, or null where the engine leaves it to the CPU kernel (channels first). */
export function convolutionOf(
  inputShape: readonly number[],
  filterShape: readonly number[],
  { strides, dilations, pad, dataFormat = 'NHWC', dimRoundingMode }: ConvolutionAttrs,
  { depthwise = false } = {},
): Convolution | null {
  if (dataFormat !== 'NHWC') return null;
  const info = backend_util.computeConv2DInfo(
    inputShape as [number, number, number, number],
    filterShape as [number, number, number, number],
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    depthwise,
  );
  const { top, left, bottom, right } = info.padInfo;
  const window: Window = {
    kernel: [info.filterHeight, info.filterWidth],
    strides: [info.strideHeight, info.strideWidth],
    dilations: [info.dilationHeight, info.dilationWidth],
    pads: [top, left, bottom, right],
  };
  return {
    inputShape: info.inShape,
    outputShape: info.outShape,
    window,
    isPatchwise:
      window.pads.every((count) => count === 0) &&
      [0, 1].every(
        (i) =>
          dilatedExtent(window, i) === window.strides[i] &&
          window.dilations[i] === 1 &&
          info.inShape[1 + i] === info.outShape[1 + i] * window.strides[i],
      ),
  };
}

/** Pixels that the window spans along an axis. */
export function dilatedExtent({ kernel, dilations }: Window, axis: number): number {
  return (kernel[axis] - 1) * dilations[axis] + 1;
}

/** Whether no window lies wholly in the padding, so that the padding of the transposed convolution is not negative. */
export function isTurnable({ window }: Convolution): boolean {
  return window.pads.every((count, i) => count < dilatedExtent(window, i % 2));
}
