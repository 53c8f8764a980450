import { sizeOf, type Value } from './graph-builder.js';
import type { GraphNode } from './model-writer.js';

/** What a pass over the nodes of a finished graph may know and make. */
export interface PassContext {
  /** By name, with those that passes add. */
  readonly values: ReadonlyMap<string, Value>;
  /** The graph's outputs. */
  readonly kept: ReadonlySet<string>;
  /** Channels in a block of the blocked operators, 0 where there are none: anywhere but on the CPU. */
  readonly block: number;
  readonly newValue: (shape: readonly number[], dtype?: Value['dtype']) => Value;
  /** Names of constants. */
  readonly scalar: (number: number) => string;
  readonly ones: (length: number) => string;
  readonly ints: (numbers: readonly number[]) => string;
}

/** Operators that take every element for itself, so that they work on any layout and on any part of the rows. */
export const ELEMENTWISE: ReadonlySet<string> = new Set(
  (
    'Abs Add And Cast Clip Div Elu Equal Erf Exp Gelu Greater GreaterOrEqual HardSigmoid IsNaN LeakyRelu Less LessOrEqual Log Max ' +
    'Min Mul Neg Not Or Pow Reciprocal Relu Selu Sigmoid Sign Softplus Sqrt Sub Tanh Where'
  ).split(' '),
);

/** The nodes that read each value, once each. */
export function consumersByName(nodes: readonly GraphNode[]): Map<string, GraphNode[]> {
  const consumers = new Map<string, GraphNode[]>();
  for (const node of nodes) {
    for (const name of new Set(node.inputs)) {
      const known = consumers.get(name);
      if (known) known.push(node);
      else consumers.set(name, [node]);
    }
  }
  return consumers;
}

/** The node that makes each value. */
export function producersByName(nodes: readonly GraphNode[]): Map<string, GraphNode> {
  return new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
}

/** The nodes in order, without those that nothing needs any more. */
export function withoutUnused(nodes: readonly GraphNode[], kept: ReadonlySet<string>): GraphNode[] {
  const needed = new Set(kept);
  const reached = [...nodes].reverse().filter(({ inputs, outputs }) => {
    const isNeeded = outputs.some((name) => needed.has(name));
    if (isNeeded) for (const name of inputs) needed.add(name);
    return isNeeded;
  });
  return reached.reverse();
}

export function isScalar({ shape }: Value): boolean {
  return sizeOf(shape) === 1;
}

/** A value's place in a product: its first factor or its second. */
export interface Factor {
  readonly product: GraphNode;
  readonly position: number;
}

/** Finds the matrix products around a value. */
export class ProductFinder {
  private readonly producers: ReadonlyMap<string, GraphNode>;
  private readonly consumers: ReadonlyMap<string, readonly GraphNode[]>;

  constructor(
    nodes: readonly GraphNode[],
    private readonly context: PassContext,
  ) {
    this.producers = producersByName(nodes);
    this.consumers = consumersByName(nodes);
  }

  producerOf(name: string): GraphNode | undefined {
    return this.producers.get(name);
  }

  consumersOf(name: string): readonly GraphNode[] {
    return this.consumers.get(name) ?? [];
  }

  shapeOf(name: string): readonly number[] {
    return this.context.values.get(name)!.shape;
  }

  isReadOnce(name: string): boolean {
    return this.consumersOf(name).length === 1 && !this.context.kept.has(name);
  }

  isProduct({ type, outputs }: GraphNode): boolean {
    if (type === 'Gemm' || type === 'FusedMatMul') return true;
    return type === 'MatMul' && this.shapeOf(outputs[0]).length === 2;
  }

  /** The products, and the sums with a vector, that make a value and nothing else; `isPart`: what may stand in between. */
  originOf(
    name: string,
    isPart: (node: GraphNode) => boolean,
  ): { products: GraphNode[]; sums: GraphNode[] } | undefined {
    const products: GraphNode[] = [];
    const sums: GraphNode[] = [];
    for (let current = name; ;) {
      const node = this.producerOf(current);
      if (!node || (current !== name && !this.isReadOnce(current))) return undefined;
      const isProduct = this.isProduct(node);
      if (isProduct) products.push(node);
      else if (node.type === 'Add' && this.shapeOf(node.inputs[1]).length === 1) sums.push(node);
      else if (!isPart(node)) return undefined;
      // A product that adds to a third matrix: that one is a part of the sum.
      if (isProduct && node.inputs.length < 3) return { products, sums };
      current = node.inputs[isProduct ? 2 : 0];
    }
  }

  /**
   * The products that a value goes into, as a whole, in parts or in a stack of itself, one of them twice if it is multiplied with
   * itself; undefined if anything else reads it. `isPart`: what may stand in between.
   */
  productsReading(name: string, isPart: (node: GraphNode) => boolean): Factor[] | undefined {
    if (this.context.kept.has(name)) return undefined;
    const found: Factor[] = [];
    for (const node of this.consumersOf(name)) {
      const { type, inputs, outputs } = node;
      const isStack = type === 'Concat' && inputs.every((input) => input === inputs[0]);
      const further = (isPart(node) || isStack) && this.productsReading(outputs[0], isPart);
      if (further) found.push(...further);
      else if (this.isProduct(node) && inputs[2] !== name)
        inputs.forEach((input, position) => input === name && found.push({ product: node, position }));
      else return undefined;
    }
    return found;
  }
}
