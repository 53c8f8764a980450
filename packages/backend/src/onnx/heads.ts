import type { NodeIndex } from './graph-pass.js';
import type { GraphNode } from './model-writer.js';
import { sizeOf } from './value.js';

/**
 * The heads of an attention, or a part of them: a Transpose between tokens, [N, T, G, ..., C] with any axes between G and C, and heads,
 * which have the pixels T last but one and the channels C of a head last. In blocked layout the channels of a head lie together as
 * they are.
 */
export interface Heads {
  /** What has the shape of heads. */
  readonly name: string;
  /** The shape of this part as tokens. */
  readonly tokens: readonly number[];
  /** The axes of the tokens in the order of the heads. */
  readonly order: readonly number[];
  /** The first of the tokens' channels that belongs to this part. */
  readonly start: number;
}

const IMAGES = 0;
const PIXELS = 1;
const GROUPS = 2;

/** Channels of all heads in a part. */
export function channelsOfHeads({ tokens }: Heads): number {
  return sizeOf(tokens.slice(GROUPS));
}

/** The heads that a value's tokens were transposed from, the parts of a Concat one by one. */
export function headsSource(name: string, index: NodeIndex): Heads[] | undefined {
  const reshape = index.producerOf(name);
  const transpose = reshape?.type === 'Reshape' ? index.producerOf(reshape.inputs[0]) : undefined;
  if (transpose?.type !== 'Transpose') return undefined;
  const perm = transpose.attributes.perm as readonly number[];
  const order = perm.map((_, axis) => perm.indexOf(axis));
  const tokens = index.shapeOf(transpose.outputs[0]);
  if (!areHeads(tokens, order, index.shapeOf(name), index)) return undefined;
  const whole = { name: transpose.inputs[0], tokens, order, start: 0 };
  const joint = index.producerOf(whole.name);
  if (joint?.type !== 'Concat' || joint.attributes.axis !== order.indexOf(GROUPS)) return [whole];
  let start = 0;
  return joint.inputs.map((part) => {
    const heads = partOf(whole, part, index.shapeOf(part)[order.indexOf(GROUPS)], start);
    start += channelsOfHeads(heads);
    return heads;
  });
}

/** The heads that a node makes of a value's tokens, if it does nothing else with them. */
export function headsRead(node: GraphNode, name: string, index: NodeIndex): Heads[] | undefined {
  const [reshaped] = node.outputs;
  if (node.type !== 'Reshape' || index.isResult(reshaped)) return undefined;
  const tokens = index.shapeOf(reshaped);
  const heads = index.consumersOf(reshaped).map((transpose) => {
    const order = (transpose.attributes.perm ?? []) as readonly number[];
    const [output] = transpose.outputs;
    const isKnown = transpose.type === 'Transpose' && !index.isResult(output);
    if (!isKnown || !areHeads(tokens, order, index.shapeOf(name), index)) return undefined;
    const whole = { name: output, tokens, order, start: 0 };
    return slicesOf(whole, index) ?? [whole];
  });
  return heads.length > 0 && heads.every((parts) => parts !== undefined) ? heads.flat() : undefined;
}

/** What is sliced from heads along the groups, if nothing else reads them. */
function slicesOf(heads: Heads, index: NodeIndex): Heads[] | undefined {
  const axis = heads.order.indexOf(GROUPS);
  const channels = channelsOfHeads(heads) / heads.tokens[GROUPS];
  const parts = index.consumersOf(heads.name).map((slice) => {
    const [, starts, , axes, steps] = slice.inputs;
    const [output] = slice.outputs;
    if (slice.type !== 'Slice' || index.isResult(output)) return undefined;
    const start = soleInteger(starts, index);
    if (start === undefined || soleInteger(axes, index) !== axis || steps !== undefined) return undefined;
    return partOf(heads, output, index.shapeOf(output)[axis], start * channels);
  });
  return parts.length > 0 && parts.every((part) => part !== undefined) ? parts : undefined;
}

function partOf(heads: Heads, name: string, groups: number, start: number): Heads {
  return { ...heads, name, tokens: heads.tokens.with(GROUPS, groups), start };
}

function soleInteger(name: string | undefined, { context }: NodeIndex): number | undefined {
  const data = name === undefined ? undefined : context.dataOf(name);
  return data?.length === 1 ? Number(data[0]) : undefined;
}

/** Whether heads have the order and the tokens of a value, [N, T, C] or [N T, C]; they are told apart by whole blocks. */
function areHeads(
  tokens: readonly number[],
  order: readonly number[],
  shape: readonly number[],
  { context }: NodeIndex,
): boolean {
  const last = tokens.length - 1;
  const isOrder = last > GROUPS && order[last] === last && order[last - 1] === PIXELS;
  const rows = tokens[IMAGES] * tokens[PIXELS];
  const areRows = shape.length === 2 ? shape[0] === rows : shape[0] === tokens[0] && shape[1] === tokens[1];
  return isOrder && areRows && tokens[last] % context.block === 0;
}
