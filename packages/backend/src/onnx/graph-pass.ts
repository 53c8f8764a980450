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

export function isScalar({ shape }: Value): boolean {
  return sizeOf(shape) === 1;
}
