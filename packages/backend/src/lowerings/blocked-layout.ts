import type { GraphBuilder } from '../onnx/graph-builder.js';
import { BLOCKED_DOMAIN } from '../onnx/model-writer.js';
import type { Value } from '../onnx/value.js';

/**
 * ONNX Runtime's NCHWc operators: channels in blocks of `graph.channelBlock`, the fastest convolutions of its CPU provider.
 * A blocked value's shape reads [N, C, H, W]; its memory is [N, C / block, H, W, block].
 */

export interface Window {
  readonly kernel: readonly [height: number, width: number];
  readonly strides: readonly [height: number, width: number];
  readonly dilations: readonly [height: number, width: number];
  /** Top, left, bottom, right. */
  readonly pads: readonly [number, number, number, number];
}

/** Whether tensors of so many channels can be blocked here. */
export function isBlockable(graph: GraphBuilder, channels: number): boolean {
  return graph.channelBlock > 0 && channels % graph.channelBlock === 0;
}

/** Whether the last block of so many channels can be filled up with zeros: ONNX Runtime moves four of them at once. */
export function isFillable(graph: GraphBuilder, channels: number): boolean {
  return graph.channelBlock > 0 && channels % 4 === 0;
}

/** The next number of channels that can be blocked. */
export function blockableAbove(graph: GraphBuilder, channels: number): number {
  return Math.ceil(channels / graph.channelBlock) * graph.channelBlock;
}

/** [N, H, W, C] -> blocked, the last block filled up with zeros. */
export function toBlocked(graph: GraphBuilder, x: Value): Value {
  const [batch, height, width, channels] = x.shape;
  const blocked = graph.sourcesOf(x, 'ReorderOutput')?.[0];
  // Where channels were cut off, the blocked value has more of them than x.
  if (blocked?.shape[1] === channels) return blocked;
  return graph.op('ReorderInput', [x], [batch, blockableAbove(graph, channels), height, width], {
    attributes: { channels_last: 1 },
    domain: BLOCKED_DOMAIN,
  });
}

/** Blocked -> [N, H, W, C], with the first `channels` channels only. */
export function fromBlocked(graph: GraphBuilder, x: Value, channels = x.shape[1]): Value {
  const [batch, , height, width] = x.shape;
  return graph.op('ReorderOutput', [x], [batch, height, width, channels], {
    attributes: { channels, channels_last: 1 },
    domain: BLOCKED_DOMAIN,
  });
}

/** A convolution of blocked values; weights as `blockedDepthwiseFilter` and `blockedFilter` lay them out. */
export function blockedConvolution(
  graph: GraphBuilder,
  x: Value,
  weights: Value,
  group: number,
  { kernel, strides, dilations, pads }: Window,
  shape: readonly number[],
): Value {
  return graph.op('Conv', [x, weights], shape, {
    attributes: { kernel_shape: kernel, strides, dilations, pads, group },
    domain: BLOCKED_DOMAIN,
  });
}

/** [kh, kw, C] -> [C / b, kh, kw, b], named [C, 1, kh, kw]. */
export function blockedDepthwiseFilter(graph: GraphBuilder, filter: Value): Value {
  const [height, width, channels] = filter.shape;
  const block = graph.channelBlock;
  const split = graph.reshape(filter, [height, width, channels / block, block]);
  return graph.reshape(graph.transpose(split, [2, 0, 1, 3]), [channels, 1, height, width]);
}

/** [kh, kw, I, O] -> [O / b, I / b, kh, kw, b, b], named [O, I, kh, kw]. */
export function blockedFilter(graph: GraphBuilder, filter: Value): Value {
  const [height, width, inputs, outputs] = filter.shape;
  const block = graph.channelBlock;
  const split = graph.reshape(filter, [height, width, inputs / block, block, outputs / block, block]);
  return graph.reshape(graph.transpose(split, [4, 2, 0, 1, 3, 5]), [outputs, inputs, height, width]);
}

/** For inputs of fewer channels than a block, which stay [N, C, H, W]: [kh, kw, I, O] -> [O / b, I, kh, kw, b]. */
export function unblockedInputFilter(graph: GraphBuilder, filter: Value): Value {
  const [height, width, inputs, outputs] = filter.shape;
  const block = graph.channelBlock;
  const split = graph.reshape(filter, [height, width, inputs, outputs / block, block]);
  return graph.reshape(graph.transpose(split, [3, 2, 0, 1, 4]), [outputs, inputs, height, width]);
}
