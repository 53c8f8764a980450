import { BLOCKED_DOMAIN, type GraphNode } from './model-writer.js';
import type { NodeWriter } from './node-writer.js';
import type { Pixels } from './pixelwise.js';
import { sizeOf } from './value.js';

/**
 * A value in blocked layout, under one name or both: as the blocked operators see it, [N, C, H, W], and as it lies in memory,
 * [N, C / block, H W block]. One number a pixel stands in all lanes of a single block.
 */
export interface BlockedValue {
  flat?: string;
  lanes?: string;
  readonly channels: number;
  /** The convolution that makes it, while a bias or a sum can become a part of that. */
  readonly convolution?: GraphNode;
}

const POINTWISE = {
  kernel_shape: [1, 1],
  strides: [1, 1],
  dilations: [1, 1],
  pads: [0, 0, 0, 0],
  group: 1,
} as const;

/** Writes operators on blocked values of the same pixels. */
export class BlockedValues {
  private readonly block: number;

  constructor(
    private readonly writer: NodeWriter,
    private readonly pixels: Pixels,
  ) {
    this.block = writer.context.block;
  }

  /** The name of [N, C, H, W]. */
  flat(value: BlockedValue): string {
    return (value.flat ??= this.writer.reshape(value.lanes!, this.flatShape(value.channels)));
  }

  /** The name of [N, C / block, H W block]. */
  lanes(value: BlockedValue): string {
    return (value.lanes ??= this.writer.reshape(value.flat!, this.lanesShape(value.channels)));
  }

  flatShape(channels: number): number[] {
    const [images, height, width] = this.pixels;
    return [images, this.filledUp(channels), height, width];
  }

  lanesShape(channels: number): number[] {
    const [images, height, width] = this.pixels;
    return [images, this.filledUp(channels) / this.block, height * width * this.block];
  }

  /** A convolution of 1x1 pixels of [N, C, H, W]. */
  convolve(inputs: readonly string[], channels: number): GraphNode {
    const options = { attributes: POINTWISE, domain: BLOCKED_DOMAIN };
    this.writer.op('Conv', inputs, this.flatShape(channels), options);
    return this.writer.nodes[this.writer.nodes.length - 1];
  }

  /**
   * The mean over the channels: the sum over blocks, a row of ones times a matrix, whose bits do not depend on the number of
   * images, as those of ReduceSum do; then a convolution that writes the mean over the lanes to every lane.
   */
  mean(x: BlockedValue): BlockedValue {
    const blocks = x.channels / this.block;
    const { filled } = this.writer.context;
    const sum = (): BlockedValue => ({
      lanes: this.writer.op('MatMul', [filled([1, blocks], 1), this.lanes(x)], this.lanesShape(1)),
      channels: 1,
    });
    const weights = filled([this.block, this.block, 1, 1], 1 / x.channels);
    const { outputs } = this.convolve([this.flat(blocks === 1 ? x : sum()), weights], 1);
    return { flat: outputs[0], channels: 1 };
  }

  /** A vector along the channels for all pixels of an image, [C / block, H W block]. */
  vector(name: string): string {
    const { context } = this.writer;
    const [, height, width] = this.pixels;
    const blocks = sizeOf(context.values.get(name)!.shape) / this.block;
    return this.writer.once(`vector ${name} ${height * width}`, () => {
      const split = this.writer.reshape(name, [blocks, 1, this.block]);
      const shape = [blocks, height * width, this.block];
      const expanded = this.writer.op('Expand', [split, context.ints(shape)], shape);
      return this.writer.reshape(expanded, [blocks, height * width * this.block]);
    });
  }

  /** [N, H, W, C] or [N H W, C] -> blocked. */
  fromRows(name: string, channels: number): BlockedValue {
    return this.reordered(this.writer.reshape(name, [...this.pixels, channels]), channels, 1);
  }

  /** [1, H, W, C] -> blocked, the same for all images. */
  fromOneImage(name: string, channels: number): BlockedValue {
    const [, height, width] = this.pixels;
    const image = this.writer.reshape(name, [1, height, width, channels]);
    const shape = [...this.pixels, channels];
    const expanded = this.writer.op('Expand', [image, this.writer.context.ints(shape)], shape);
    return this.fromRows(expanded, channels);
  }

  /** [N, C, H, W] in ONNX's own layout -> blocked. */
  fromPlanes(name: string, channels: number): BlockedValue {
    return this.reordered(name, channels, 0);
  }

  /** Blocked -> [N, H, W, C] or [N H W, C], under a name that is given. */
  toRows(value: BlockedValue, output: string): void {
    const { channels } = value;
    const { shape } = this.writer.context.values.get(output)!;
    const rows = [...this.pixels, channels];
    const reorder = (name?: string) => this.reorderOutput(value, rows, 1, name);
    if (shape.length === 4) reorder(output);
    else this.writer.op('Reshape', [reorder(), this.writer.context.ints(shape)], shape, { output });
  }

  /** Blocked -> [N, C, H, W] in ONNX's own layout. */
  toPlanes(value: BlockedValue): string {
    const [images, height, width] = this.pixels;
    return this.reorderOutput(value, [images, value.channels, height, width], 0);
  }

  private reordered(name: string, channels: number, channelsLast: number): BlockedValue {
    const options = { attributes: { channels_last: channelsLast }, domain: BLOCKED_DOMAIN };
    return { flat: this.writer.op('ReorderInput', [name], this.flatShape(channels), options), channels };
  }

  private reorderOutput(
    value: BlockedValue,
    shape: readonly number[],
    channelsLast: number,
    output?: string,
  ): string {
    const attributes = { channels: value.channels, channels_last: channelsLast };
    const options = { attributes, domain: BLOCKED_DOMAIN, output };
    return this.writer.op('ReorderOutput', [this.flat(value)], shape, options);
  }

  /** One number a pixel fills a block. */
  private filledUp(channels: number): number {
    return channels === 1 ? this.block : channels;
  }
}
