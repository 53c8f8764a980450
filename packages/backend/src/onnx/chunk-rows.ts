import { chunkLengths, LARGE_BYTES } from './chunk-sizes.js';
import { ELEMENTWISE, isScalar, NodeIndex, type PassContext } from './graph-pass.js';
import type { GraphNode } from './model-writer.js';
import { isMatrixProduct } from './pixelwise.js';
import { sizeOf } from './value.js';

/** Element-wise nodes on one wide shape between matrix products that widen and products that narrow. */
interface Cluster {
  readonly members: Set<GraphNode>;
  /** All values of the wide shape. */
  readonly wide: Set<string>;
  readonly width: number;
}

/**
 * Row chunks: what an MLP does between its two matrix products (and between those of its gradient) happens for a part of the
 * rows after the other, so that the hidden values, four times as wide as the rest, stay in the cache from pass to pass. The
 * inputs of the first products are split, the results of the last ones joined; ONNX Runtime runs one chain of parts after
 * the other whatever their order here. The results have the same bits, as rows do not know of each other.
 */
export function chunkRows(nodes: readonly GraphNode[], context: PassContext): GraphNode[] {
  if (context.block === 0) return [...nodes];
  const finder = new ClusterFinder(new NodeIndex(nodes, context));
  const clusterOf = new Map<GraphNode, Chunker>();
  for (const node of nodes) {
    const cluster = clusterOf.has(node) ? undefined : finder.clusterAt(node);
    if (!cluster) continue;
    const chunker = new Chunker(cluster, context);
    for (const member of cluster.members) clusterOf.set(member, chunker);
  }
  return nodes.flatMap((node) => clusterOf.get(node)?.chunks(node) ?? [node]);
}

class ClusterFinder {
  constructor(private readonly index: NodeIndex) {}

  /** The cluster that a widening product belongs to, if it is large and everything in it can be done row by row. */
  clusterAt(node: GraphNode): Cluster | undefined {
    const [rows, width, ...more] = this.index.shapeOf(node.outputs[0]);
    if (!isMatrixProduct(node) || more.length > 0) return undefined;
    // Products with fewer rows than columns are shared out among threads in another way: see step-products.ts.
    if (4 * rows * width <= LARGE_BYTES || chunkLengths(rows, width)[0] < width) return undefined;
    if (!this.widens(node, rows, width)) return undefined;
    const cluster: Cluster = { members: new Set([node]), wide: new Set(node.outputs), width };
    // The set grows while it is walked.
    for (const name of cluster.wide) if (!this.addNeighbours(cluster, name)) return undefined;
    return cluster.members.size > 1 ? cluster : undefined;
  }

  /** Takes in who makes and who reads a wide value; false if one of them needs more than its rows. */
  private addNeighbours(cluster: Cluster, name: string): boolean {
    const { members, wide, width } = cluster;
    const rows = sizeOf(this.index.shapeOf(name)) / width;
    if (this.index.isResult(name)) return false;
    const producer = this.index.producerOf(name);
    if (!producer) return false;
    if (this.widens(producer, rows, width)) members.add(producer);
    else if (!this.addElementwise(cluster, producer)) return false;
    return this.index.consumersOf(name).every((reader) => {
      if (this.narrows(reader, name, rows, width)) members.add(reader);
      return members.has(reader) || (this.addElementwise(cluster, reader) && wide.has(reader.outputs[0]));
    });
  }

  private addElementwise({ members, wide, width }: Cluster, node: GraphNode): boolean {
    const { type, inputs, outputs } = node;
    const shape = this.index.shapeOf(outputs[0]);
    const isWide = (name: string) => isLike(this.index.shapeOf(name), shape, width);
    const isOnlyReshaped = type === 'Reshape' && isWide(inputs[0]);
    if (!isWide(outputs[0]) || (!isOnlyReshaped && !ELEMENTWISE.has(type))) return false;
    const operands = isOnlyReshaped ? inputs.slice(0, 1) : inputs.filter((name) => name !== '');
    if (!operands.every((name) => isWide(name) || this.isForEveryRow(name))) return false;
    members.add(node);
    for (const name of [...operands.filter(isWide), outputs[0]]) wide.add(name);
    return true;
  }

  /** A scalar, or a vector along the columns. */
  private isForEveryRow(name: string): boolean {
    const value = this.index.valueOf(name);
    return value.shape.length <= 1 || isScalar(value);
  }

  private widens(node: GraphNode, rows: number, width: number): boolean {
    if (!isMatrixProduct(node)) return false;
    const shape = this.index.shapeOf(node.outputs[0]);
    return shape[0] === rows && shape[1] === width && this.index.shapeOf(node.inputs[0])[1] < width;
  }

  private narrows(node: GraphNode, name: string, rows: number, width: number): boolean {
    if (!isMatrixProduct(node) || node.inputs[0] !== name || node.inputs[1] === name) return false;
    const shape = this.index.shapeOf(node.outputs[0]);
    return this.index.shapeOf(name).length === 2 && shape[0] === rows && shape[1] < width;
  }
}

/** Writes the nodes of a cluster, chunk by chunk. */
class Chunker {
  /** Rows of each chunk. */
  private readonly lengths: readonly number[];
  private readonly parts = new Map<string, readonly string[]>();

  constructor(
    private readonly cluster: Cluster,
    private readonly context: PassContext,
  ) {
    const [name] = cluster.wide;
    const rows = sizeOf(this.shapeOf(name)) / cluster.width;
    this.lengths = chunkLengths(rows, cluster.width);
  }

  chunks(node: GraphNode): GraphNode[] {
    const { type, inputs, outputs } = node;
    const isWide = (name: string) => this.cluster.wide.has(name);
    if (type === 'Reshape') {
      this.parts.set(outputs[0], this.parts.get(inputs[0])!);
      return [];
    }
    const split = isMatrixProduct(node) && !isWide(inputs[0]) ? this.split(node) : [];
    const columns = isWide(outputs[0]) ? this.cluster.width : this.shapeOf(outputs[0])[1];
    const { dtype } = this.context.values.get(outputs[0])!;
    const results = this.lengths.map((rows) => this.context.newValue([rows, columns], dtype).name);
    const copies = results.map((result, i) => ({
      ...node,
      name: `${node.name}.rows${i}`,
      inputs: inputs.map((name) => this.parts.get(name)?.[i] ?? name),
      outputs: [result],
    }));
    if (isWide(outputs[0])) {
      this.parts.set(outputs[0], results);
      return [...split, ...copies];
    }
    const attributes = { axis: 0 };
    const join = {
      name: `${node.name}.joined`,
      type: 'Concat',
      domain: '',
      inputs: results,
      outputs,
      attributes,
    };
    return [...copies, join];
  }

  /** Splits the first factor of a product, unless another product did. */
  private split({ name: nodeName, inputs: [name] }: GraphNode): GraphNode[] {
    if (this.parts.has(name)) return [];
    const columns = this.shapeOf(name)[1];
    const parts = this.lengths.map((rows) => this.context.newValue([rows, columns]).name);
    this.parts.set(name, parts);
    const inputs = [name, this.context.ints(this.lengths)];
    const attributes = { axis: 0 };
    return [{ name: `${nodeName}.split`, type: 'Split', domain: '', inputs, outputs: parts, attributes }];
  }

  private shapeOf(name: string): readonly number[] {
    return this.context.values.get(name)!.shape;
  }
}

/** Same number of elements in rows of `width`. */
function isLike(shape: readonly number[], other: readonly number[], width: number): boolean {
  return shape[shape.length - 1] === width && sizeOf(shape) === sizeOf(other);
}
