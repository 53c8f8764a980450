import type { GraphBuilder } from '../onnx/graph-builder.js';
import type { Value } from '../onnx/value.js';
import { blockedConvolution, blockedFilter, fromBlocked, isBlockable, toBlocked } from './blocked-layout.js';
import { dilatedExtent, type Convolution } from './convolution.js';
import { gemm } from './matmul.js';
import { concat, reverse } from './shapes.js';

/** The gradient of a convolution's input: dy [N, oh, ow, O], filter [kh, kw, I, O] -> [N, H, W, I]. */
export function transposedConvolution(
  graph: GraphBuilder,
  dy: Value,
  filter: Value,
  convolution: Convolution,
): Value {
  if (convolution.isPatchwise) {
    const [kernelHeight, kernelWidth, inputs, outputs] = filter.shape;
    const matrix = graph.reshape(filter, [kernelHeight * kernelWidth * inputs, outputs]);
    const patches = gemm(graph, rows(graph, dy), matrix, { transposeB: true });
    return fromPatches(graph, patches, convolution);
  }
  if (isBlockable(graph, filter.shape[2]) && isBlockable(graph, filter.shape[3])) {
    const [vertical, horizontal] = [phasesAlong(convolution, 0), phasesAlong(convolution, 1)];
    if (vertical && horizontal) return phaseByPhase(graph, dy, filter, convolution, [vertical, horizontal]);
  }
  return onPlanes(graph, dy, filter, convolution);
}

/**
 * Along one axis, the input pixels at positions p, p + stride, p + 2 stride, ... They saw every stride-th tap of the filter only,
 * so their gradient is a convolution of dy with these.
 */
interface Phase {
  /** The first of the phase's taps in the filter turned by 180 degrees. */
  readonly firstTap: number;
  readonly taps: number;
  readonly pads: readonly [before: number, after: number];
}

/** All phases of an axis; undefined unless they are equally long and their paddings not negative. */
function phasesAlong({ inputShape, outputShape, window }: Convolution, axis: 0 | 1): Phase[] | undefined {
  const [size, outputs] = [inputShape[1 + axis], outputShape[1 + axis]];
  const [kernel, stride, padding] = [window.kernel[axis], window.strides[axis], window.pads[axis]];
  if (size % stride !== 0 || kernel < stride || window.dilations[axis] !== 1) return undefined;
  const phases = Array.from({ length: stride }, (_, p): Phase => {
    // Position i = stride t + p saw tap k in window o, where stride o + k = i + padding: k = remainder + stride m, o = t + shift - m.
    const shift = Math.floor((p + padding) / stride);
    const remainder = (p + padding) % stride;
    const taps = Math.ceil((kernel - remainder) / stride);
    return {
      firstTap: kernel - 1 - remainder - stride * (taps - 1),
      taps,
      pads: [taps - 1 - shift, size / stride + shift - outputs],
    };
  });
  return phases.every(({ pads }) => Math.min(...pads) >= 0) ? phases : undefined;
}

/** A blocked convolution for each phase, their results interleaved. */
function phaseByPhase(
  graph: GraphBuilder,
  dy: Value,
  filter: Value,
  { inputShape, window }: Convolution,
  [vertical, horizontal]: readonly [readonly Phase[], readonly Phase[]],
): Value {
  const [batch, height, width, inputs] = inputShape;
  const { strides } = window;
  const shape = [batch, inputs, height / strides[0], width / strides[1]];
  const block = graph.channelBlock;
  const turned = graph.transpose(reverse(graph, filter, [0, 1]), [0, 1, 3, 2]);
  const blocked = toBlocked(graph, dy);
  const lines = vertical.map((down) => {
    const results = horizontal.map((across) => {
      const weights = blockedFilter(graph, everyOtherTap(graph, turned, [down, across], strides));
      const pads = [down.pads[0], across.pads[0], down.pads[1], across.pads[1]] as const;
      const kernel = [down.taps, across.taps] as const;
      const step = { kernel, pads, strides: [1, 1], dilations: [1, 1] } as const;
      return blockedConvolution(graph, blocked, weights, 1, step, shape);
    });
    return interleave(graph, results, [batch, inputs / block, shape[2], shape[3], block]);
  });
  const whole = interleave(graph, lines, [batch, inputs / block, shape[2], width * block]);
  return fromBlocked(graph, graph.reshape(whole, [batch, inputs, height, width]));
}

/** The taps that a phase sees: [kh, kw, O, I] -> [taps, taps, O, I]. */
function everyOtherTap(
  graph: GraphBuilder,
  filter: Value,
  phases: readonly [Phase, Phase],
  strides: readonly [number, number],
): Value {
  if (strides.every((stride) => stride === 1)) return filter;
  const start = phases.map(({ firstTap }) => firstTap);
  const end = phases.map(({ firstTap, taps }, axis) => firstTap + (taps - 1) * strides[axis] + 1);
  const inputs = [filter, graph.ints(start), graph.ints(end), graph.ints([0, 1]), graph.ints(strides)];
  return graph.op('Slice', inputs, [...phases.map(({ taps }) => taps), ...filter.shape.slice(2)]);
}

/** Values of one size, seen as `shape`, in turn along the last but one axis: [..., n, m] each -> [..., n parts m]. */
function interleave(graph: GraphBuilder, parts: readonly Value[], shape: readonly number[]): Value {
  const seen = parts.map((part) => graph.reshape(part, shape));
  return concat(graph, seen, shape.length - 1);
}

/** ONNX's ConvTranspose, on planes: dy [N, O, oh, ow] and weights [O, I, kh, kw]. */
function onPlanes(graph: GraphBuilder, dy: Value, filter: Value, convolution: Convolution): Value {
  const { inputShape, outputShape, window } = convolution;
  const [batch, height, width, inputs] = inputShape;
  const [top, left, bottom, right] = window.pads;
  // What the forward pass never looked at, at the bottom and at the right, has gradient zero.
  const rest = [0, 1].map(
    (i) =>
      inputShape[1 + i] +
      (i === 0 ? top + bottom : left + right) -
      ((outputShape[1 + i] - 1) * window.strides[i] + dilatedExtent(window, i)),
  );
  const planes = graph.op(
    'ConvTranspose',
    [graph.transpose(dy, [0, 3, 1, 2]), graph.transpose(filter, [3, 2, 0, 1])],
    [batch, inputs, height, width],
    {
      attributes: {
        kernel_shape: window.kernel,
        strides: window.strides,
        dilations: window.dilations,
        pads: window.pads,
        output_padding: rest,
      },
    },
  );
  return graph.transpose(planes, [0, 2, 3, 1]);
}

/** [N, H, W, C] -> [N H W, C] */
export function rows(graph: GraphBuilder, x: Value): Value {
  const channels = x.shape[3];
  return graph.reshape(x, [x.shape[0] * x.shape[1] * x.shape[2], channels]);
}

/** [N oh ow, kh kw I] -> [N, oh kh, ow kw, I], for windows that tile the input. */
function fromPatches(
  graph: GraphBuilder,
  patches: Value,
  { inputShape, outputShape, window }: Convolution,
): Value {
  const [batch, height, width] = outputShape;
  const [kernelHeight, kernelWidth] = window.kernel;
  const split = graph.reshape(patches, [batch, height, width, kernelHeight, kernelWidth, inputShape[3]]);
  return graph.reshape(graph.transpose(split, [0, 1, 3, 2, 4, 5]), inputShape);
}
