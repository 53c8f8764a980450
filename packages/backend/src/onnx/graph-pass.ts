import { sizeOf, type Value } from './value.js';
import type { GraphNode, Initializer } from './model-writer.js';

/** What a pass over the nodes of a finished graph may know and make. */
export interface PassContext {
  /** By name, with those that passes add. */
  readonly values: ReadonlyMap<string, Value>;
  /** The graph's outputs. */
  readonly kept: ReadonlySet<string>;
  /** Channels in a block of the blocked operators, 0 where there are none: anywhere but on the CPU. */
  readonly block: number;
  /** The threads that an operator may use, at most. */
  readonly threads: number;
  readonly newValue: (shape: readonly number[], dtype?: Value['dtype']) => Value;
  /** Names of constants. */
  readonly scalar: (number: number) => string;
  readonly ones: (length: number) => string;
  /** A tensor of one number. */
  readonly filled: (shape: readonly number[], number: number) => string;
  readonly constant: (shape: readonly number[], data: Float32Array) => string;
  /** The numbers of a constant. */
  readonly dataOf: (name: string) => Initializer['data'] | undefined;
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

/** Who makes and who reads the values of a graph. */
export class NodeIndex {
  private readonly producers: ReadonlyMap<string, GraphNode>;
  private readonly consumers: ReadonlyMap<string, readonly GraphNode[]>;

  constructor(
    nodes: readonly GraphNode[],
    readonly context: PassContext,
  ) {
    this.producers = producersByName(nodes);
    this.consumers = consumersByName(nodes);
  }

  producerOf(name: string): GraphNode | undefined {
    return this.producers.get(name);
  }

  /** The nodes that read a value, once each. */
  consumersOf(name: string): readonly GraphNode[] {
    return this.consumers.get(name) ?? [];
  }

  valueOf(name: string): Value {
    return this.context.values.get(name)!;
  }

  shapeOf(name: string): readonly number[] {
    return this.valueOf(name).shape;
  }

  isResult(name: string): boolean {
    return this.context.kept.has(name);
  }

  isReadOnce(name: string): boolean {
    return this.consumersOf(name).length === 1 && !this.isResult(name);
  }
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
