import type { BlockedValue, BlockedValues } from './blocked-values.js';
import { channelsOfHeads, type Heads } from './heads.js';
import { BLOCKED_DOMAIN, type GraphNode } from './model-writer.js';
import type { NodeWriter } from './node-writer.js';
import type { Pixels } from './pixelwise.js';
import { sizeOf } from './value.js';
import type { WeightParts } from './weight-parts.js';

/** Writes what leads from blocked values of tokens to heads and back. */
export class BlockedHeads {
  constructor(
    private readonly writer: NodeWriter,
    private readonly values: BlockedValues,
    private readonly weights: WeightParts,
    private readonly pixels: Pixels,
  ) {}

  /** All heads of some tokens -> blocked [N, C, H, W]. */
  enter(parts: readonly Heads[]): BlockedValue {
    const blocked = parts.map((part) => this.blocked(part));
    const channels = parts.reduce((total, part) => total + channelsOfHeads(part), 0);
    const options = { attributes: { axis: 1 } };
    const flat =
      blocked.length === 1
        ? blocked[0]
        : this.writer.op('Concat', blocked, this.values.flatShape(channels), options);
    return { flat, channels };
  }

  /** Heads times weights: a sum of convolutions of the parts, which then need not be joined. */
  product(parts: readonly Heads[], weights: string, channels: number): GraphNode {
    let sum: string[] = [];
    const convolutions = parts.map((part) => {
      const matrix = this.weights.inner(weights, part.start, channelsOfHeads(part));
      const convolution = this.values.convolve([this.blocked(part), matrix, ...sum], channels);
      sum = ['', convolution.outputs[0]];
      return convolution;
    });
    return convolutions[convolutions.length - 1];
  }

  /** Blocked -> a part of the heads. `isFree`: nothing else reads the value. */
  leave(value: BlockedValue, heads: Heads, isFree: boolean): string {
    const { tokens, order } = heads;
    const [images, pixels, ...rest] = tokens;
    const apart = [images, ...rest.slice(0, -1), pixels, tokens[tokens.length - 1]];
    const blocked = this.writer.reshape(this.part(value, heads, isFree), this.blockedShape(heads));
    const [count, channels, height, width] = this.blockedShape(heads);
    const options = { attributes: { channels, channels_last: 1 }, domain: BLOCKED_DOMAIN };
    const rows = this.writer.op('ReorderOutput', [blocked], [count, height, width, channels], options);
    return this.transposed(this.writer.reshape(rows, apart), order.map(apartOf(tokens)));
  }

  private blocked(heads: Heads): string {
    const { name, tokens, order } = heads;
    const perm = order.map(apartOf(tokens));
    const apart = this.transposed(
      name,
      perm.map((_, axis) => perm.indexOf(axis)),
    );
    const [count, channels, height, width] = this.blockedShape(heads);
    const rows = this.writer.reshape(apart, [count, height, width, channels]);
    const options = { attributes: { channels_last: 1 }, domain: BLOCKED_DOMAIN };
    const blocked = this.writer.op('ReorderInput', [rows], this.blockedShape(heads), options);
    return this.writer.reshape(blocked, this.values.flatShape(channelsOfHeads(heads)));
  }

  /** A part of the channels, computed by a convolution of its own where that is possible. */
  private part(value: BlockedValue, heads: Heads, isFree: boolean): string {
    const length = channelsOfHeads(heads);
    if (length === value.channels) return this.values.flat(value);
    const [x, weights, bias, ...sum] = value.convolution?.inputs ?? [];
    if (!isFree || !value.convolution || sum.length > 0)
      return this.writer.slice(this.values.flat(value), 1, heads.start, length);
    const matrix = this.weights.outer(weights, heads.start, length);
    const vector = bias === undefined ? [] : [this.weights.vector(bias, heads.start, length)];
    return this.values.convolve([x, matrix, ...vector], length).outputs[0];
  }

  /** Every head as an image of its own. */
  private blockedShape({ tokens }: Heads): readonly [number, number, number, number] {
    const [, height, width] = this.pixels;
    const channels = tokens[tokens.length - 1];
    return [sizeOf(tokens) / (channels * height * width), channels, height, width];
  }

  private transposed(name: string, perm: readonly number[]): string {
    const { shape } = this.writer.context.values.get(name)!;
    const moved = perm.filter((axis) => shape[axis] > 1);
    const target = perm.map((axis) => shape[axis]);
    if (moved.every((axis, i) => i === 0 || axis > moved[i - 1])) return this.writer.reshape(name, target);
    return this.writer.op('Transpose', [name], target, { attributes: { perm } });
  }
}

/** Axes of [N, T, ..., C] as those of [N, ..., T, C]. */
function apartOf({ length }: readonly number[]): (axis: number) => number {
  return (axis) => (axis === 1 ? length - 2 : axis > 1 && axis < length - 1 ? axis - 1 : axis);
}
