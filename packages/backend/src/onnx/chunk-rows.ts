import { sizeOf } from './graph-builder.js';
import { consumersByName, ELEMENTWISE, isScalar, producersByName, type PassContext } from './graph-pass.js';
import type { GraphNode } from './model-writer.js';

/** Values above this are computed in parts of about the other; measured with 1 MiB of second-level cache a core and 32 MiB of third. */
const LARGE_BYTES = 9 * 2 ** 20;
const CHUNK_BYTES = 5 * 2 ** 20;

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
  const finder = new ClusterFinder(nodes, context);
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
  private readonly producers: ReadonlyMap<string, GraphNode>;
  private readonly consumers: ReadonlyMap<string, readonly GraphNode[]>;

  constructor(
    nodes: readonly GraphNode[],
    private readonly context: PassContext,
  ) {
    this.producers = producersByName(nodes);
    this.consumers = consumersByName(nodes);
  }

  /** The cluster that a widening product belongs to, if it is large and everything in it can be done row by row. */
  clusterAt(node: GraphNode): Cluster | undefined {
    const [rows, width, ...more] = this.shapeOf(node.outputs[0]);
    if (!isProduct(node) || more.length > 0) return undefined;
    // Products with fewer rows than columns are shared out among threads in another way: see `gemm`.
    if (4 * rows * width <= LARGE_BYTES || chunkLength(rows, width) < width) return undefined;
    if (!this.widens(node, rows, width)) return undefined;
    const cluster: Cluster = { members: new Set([node]), wide: new Set(node.outputs), width };
    // The set grows while it is walked.
    for (const name of cluster.wide) if (!this.addNeighbours(cluster, name)) return undefined;
    return cluster.members.size > 1 ? cluster : undefined;
  }

  /** Takes in who makes and who reads a wide value; false if one of them needs more than its rows. */
  private addNeighbours(cluster: Cluster, name: string): boolean {
    const { members, wide, width } = cluster;
    const rows = sizeOf(this.shapeOf(name)) / width;
    if (this.context.kept.has(name)) return false;
    const producer = this.producers.get(name);
    if (!producer) return false;
    if (this.widens(producer, rows, width)) members.add(producer);
    else if (!this.addElementwise(cluster, producer)) return false;
    return (this.consumers.get(name) ?? []).every((reader) => {
      if (this.narrows(reader, name, rows, width)) members.add(reader);
      return members.has(reader) || (this.addElementwise(cluster, reader) && wide.has(reader.outputs[0]));
    });
  }

  private addElementwise({ members, wide, width }: Cluster, node: GraphNode): boolean {
    const { type, inputs, outputs } = node;
    const shape = this.shapeOf(outputs[0]);
    const isWide = (name: string) => isLike(this.shapeOf(name), shape, width);
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
    const value = this.context.values.get(name)!;
    return value.shape.length <= 1 || isScalar(value);
  }

  private widens(node: GraphNode, rows: number, width: number): boolean {
    if (!isProduct(node)) return false;
    const shape = this.shapeOf(node.outputs[0]);
    return shape[0] === rows && shape[1] === width && this.shapeOf(node.inputs[0])[1] < width;
  }

  private narrows(node: GraphNode, name: string, rows: number, width: number): boolean {
    if (!isProduct(node) || node.inputs[0] !== name || node.inputs[1] === name) return false;
    const shape = this.shapeOf(node.outputs[0]);
    return this.shapeOf(name).length === 2 && shape[0] === rows && shape[1] < width;
  }

  private shapeOf(name: string): readonly number[] {
    return this.context.values.get(name)!.shape;
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
    const length = chunkLength(rows, cluster.width);
    this.lengths = Array.from({ length: Math.ceil(rows / length) }, (_, i) =>
      Math.min(length, rows - i * length),
    );
  }

  chunks(node: GraphNode): GraphNode[] {
    const { type, inputs, outputs } = node;
    const isWide = (name: string) => this.cluster.wide.has(name);
    if (type === 'Reshape') {
      this.parts.set(outputs[0], this.parts.get(inputs[0])!);
      return [];
    }
    const split = isProduct(node) && !isWide(inputs[0]) ? this.split(node) : [];
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

/** A product of two matrices whose first is not transposed, without a third to add. */
function isProduct({ type, inputs, attributes }: GraphNode): boolean {
  return ['MatMul', 'FusedMatMul', 'Gemm'].includes(type) && attributes.transA !== 1 && inputs.length === 2;
}

/** Same number of elements in rows of `width`. */
function isLike(shape: readonly number[], other: readonly number[], width: number): boolean {
  return shape[shape.length - 1] === width && sizeOf(shape) === sizeOf(other);
}

/** Rows of a chunk: as many chunks as the size asks for, all of one length if possible. */
function chunkLength(rows: number, width: number): number {
  let chunks = Math.ceil((4 * rows * width) / CHUNK_BYTES);
  for (let more = chunks; more < 2 * chunks; more++) {
    if (rows % more === 0) {
      chunks = more;
      break;
    }
  }
  return Math.ceil(rows / chunks);
}
