import { ELEMENTWISE, isScalar, type NodeIndex } from './graph-pass.js';
import type { GraphNode } from './model-writer.js';
import { sizeOf } from './value.js';

/**
 * A convolution of 1x1 pixels reads its weights anew for every image: with fewer pixels than these in one, the matrix product of
 * all images is faster.
 */
const LEAST_PIXELS = 32;

/** Images, rows and columns of pixels. */
export type Pixels = readonly [images: number, height: number, width: number];

/** How an operand enters an element-wise operator on pixels of so many channels. */
export type OperandForm = 'pixels' | 'one a pixel' | 'vector' | 'scalar' | 'absent';

/**
 * Knows the operators that take every pixel for itself: on values of shape [N, H, W, C] or [N H W, C] they compute an output
 * pixel from that pixel's channels alone, so that the order of pixels and channels in memory does not matter.
 */
export class PixelwiseOperators {
  constructor(
    private readonly index: NodeIndex,
    private readonly pixels: Pixels,
  ) {}

  /** Channels of a value that has as many pixels, or those of one image for all; undefined for any other. */
  channelsOf(name: string): number | undefined {
    return this.isForAllImages(name) ? this.index.shapeOf(name).at(-1) : this.ownChannelsOf(name);
  }

  /** Whether a value has the pixels of one image, which meet those of every image. */
  isForAllImages(name: string): boolean {
    const shape = name === '' ? [] : this.index.shapeOf(name);
    const [images, height, width] = this.pixels;
    const isOneOfMany = images > 1 && shape.length > 2 && shape[0] === 1;
    return isOneOfMany && sizeOf(shape) === height * width * shape[shape.length - 1];
  }

  private ownChannelsOf(name: string): number | undefined {
    const shape = name === '' ? [] : this.index.shapeOf(name);
    if (shape.length < 2) return undefined;
    const channels = shape[shape.length - 1];
    return sizeOf(shape) === sizeOf(this.pixels) * channels ? channels : undefined;
  }

  /** Whether a node can work on blocked values. */
  fits(node: GraphNode): boolean {
    const { type, inputs, outputs } = node;
    const channels = this.ownChannelsOf(outputs[0]);
    if (channels === undefined) return false;
    if (type === 'ReduceMean') return channels === 1 && this.isBlockable(inputs[0]);
    if (ELEMENTWISE.has(type)) return this.fitsElementwise(node, channels);
    if (!this.isBlockable(outputs[0]) || !this.isBlockable(inputs[0])) return false;
    if (type === 'LayerNormalization') return node.attributes.axis === -1;
    if (type === 'Reshape') return this.channelsOf(inputs[0]) === channels;
    return isMatrixProduct(node) && this.index.shapeOf(outputs[0]).length === 2 && this.areEnough();
  }

  /** Whether a node takes a value pixel by pixel. */
  reads(node: GraphNode, name: string): boolean {
    return this.fits(node) && this.pixelInputs(node).includes(name) && !isMatrixOf(node, name);
  }

  /** The inputs that have pixels. */
  pixelInputs(node: GraphNode): readonly string[] {
    if (!ELEMENTWISE.has(node.type)) return node.inputs.slice(0, 1);
    return node.inputs.filter((name) => ['pixels', 'one a pixel'].includes(this.formOf(name, node) ?? ''));
  }

  /**
   * Whether a node at the border of what is blocked had better stay in rows: a product that does not make the border wider, and
   * what meets vectors, which blocks take in pieces.
   */
  isForRows(node: GraphNode, side: 'entering' | 'leaving'): boolean {
    const { type, inputs, outputs } = node;
    if (isMatrixProduct(node)) {
      const [before, after] = [inputs[0], outputs[0]].map((name) => this.channelsOf(name)!);
      return side === 'entering' ? after <= before : before <= after;
    }
    if (type === 'Reshape') return true;
    if (type === 'LayerNormalization') return inputs.length === 3;
    return ELEMENTWISE.has(type) && inputs.some((name) => this.formOf(name, node) === 'vector');
  }

  /** How an element-wise node reads an input; undefined for what does not fit. */
  formOf(name: string, { outputs }: GraphNode): OperandForm | undefined {
    if (name === '') return 'absent';
    const value = this.index.valueOf(name);
    const channels = this.channelsOf(outputs[0])!;
    if (isScalar(value)) return 'scalar';
    const own = this.channelsOf(name);
    if (own === channels) return 'pixels';
    if (own === 1) return 'one a pixel';
    const isVector = sizeOf(value.shape) === channels && value.shape[value.shape.length - 1] === channels;
    return isVector ? 'vector' : undefined;
  }

  private areEnough(): boolean {
    const [, height, width] = this.pixels;
    return height * width >= LEAST_PIXELS;
  }

  private fitsElementwise(node: GraphNode, channels: number): boolean {
    const isPerPixel = (name: string) => {
      const producer = this.index.producerOf(name);
      return producer !== undefined && this.fits(producer);
    };
    const forms = node.inputs.map((name) => this.formOf(name, node));
    if (forms.includes(undefined) || !forms.includes('pixels')) return false;
    if (channels === 1) return node.inputs.every((name, i) => forms[i] !== 'pixels' || isPerPixel(name));
    return (
      this.isBlockable(node.outputs[0]) &&
      node.inputs.every((name, i) => forms[i] !== 'one a pixel' || isPerPixel(name))
    );
  }

  private isBlockable(name: string): boolean {
    const channels = this.channelsOf(name);
    return channels !== undefined && channels % this.index.context.block === 0;
  }
}

/** Rows times a matrix, with nothing to add; whether the shapes are those of matrices is left to the caller. */
export function isMatrixProduct({ type, inputs, attributes }: GraphNode): boolean {
  return ['MatMul', 'FusedMatMul', 'Gemm'].includes(type) && inputs.length === 2 && attributes.transA !== 1;
}

/** Whether a product takes a value as its second factor, of which every output needs all. */
function isMatrixOf(node: GraphNode, name: string): boolean {
  return isMatrixProduct(node) && node.inputs[1] === name;
}
