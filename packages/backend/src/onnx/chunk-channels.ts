import { ELEMENTWISE, isScalar, NodeIndex, type PassContext } from './graph-pass.js';
import { BLOCKED_DOMAIN, type GraphNode } from './model-writer.js';
import { NodeWriter } from './node-writer.js';
import { sameShape, sizeOf } from './value.js';
import { WeightParts } from './weight-parts.js';

/** Hidden values above this are computed in parts of about the other; measured with 2 MiB of second-level cache a core. */
const LARGE_BYTES = 4 * 2 ** 20;
const PART_BYTES = 1.25 * 2 ** 20;
/** ONNX Runtime's convolutions add up so many input channels before they round to memory (MLAS, snchwc.cpp). */
const SUMMED_CHANNELS = 128;

/** Element-wise nodes on one wide shape between convolutions of 1x1 pixels that widen and such that narrow. */
interface Cluster {
  readonly members: Set<GraphNode>;
  /** All values of the wide shape. */
  readonly wide: Set<string>;
  readonly shape: readonly number[];
}

/**
 * Channel chunks: what an MLP on blocked values does between its two convolutions (and between those of its gradient) happens for a
 * part of the hidden channels after the other, so that these stay in the nearest cache from pass to pass. A part comes out of its
 * share of the first convolution's weights, and the second convolution is a sum over the parts: nothing is split or joined. The
 * results have the same bits, as the parts end where a whole convolution rounds its sums. Only for weights that are known when the
 * graph is compiled, which are taken apart then.
 */
export function chunkChannels(nodes: readonly GraphNode[], context: PassContext): GraphNode[] {
  if (context.block === 0) return [...nodes];
  const finder = new ClusterFinder(new NodeIndex(nodes, context));
  const writer = new PartWriter(context);
  const clusterOf = new Map<GraphNode, Cluster>();
  for (const node of nodes) {
    const cluster = clusterOf.has(node) ? undefined : finder.clusterAt(node);
    if (cluster) for (const member of cluster.members) clusterOf.set(member, cluster);
  }
  for (const node of nodes) writer.write(node, clusterOf.get(node));
  return writer.nodes;
}

class ClusterFinder {
  constructor(private readonly index: NodeIndex) {}

  /** The cluster that a widening convolution belongs to, if it is large and can be done in parts. */
  clusterAt(node: GraphNode): Cluster | undefined {
    if (!this.isPointwise(node)) return undefined;
    const shape = this.index.shapeOf(node.outputs[0]);
    if (4 * sizeOf(shape) <= LARGE_BYTES || partsOf(shape).length === 1) return undefined;
    if (!this.widens(node, shape)) return undefined;
    const cluster: Cluster = { members: new Set([node]), wide: new Set(node.outputs), shape };
    // The set grows while it is walked.
    for (const name of cluster.wide) if (!this.addNeighbours(cluster, name)) return undefined;
    return cluster;
  }

  /** Takes in who makes and who reads a wide value; false if one of them cannot be done in parts. */
  private addNeighbours(cluster: Cluster, name: string): boolean {
    const { members, wide, shape } = cluster;
    const producer = this.index.producerOf(name);
    if (!producer || this.index.isResult(name)) return false;
    if (this.widens(producer, shape)) members.add(producer);
    else if (!this.addElementwise(cluster, producer)) return false;
    return this.index.consumersOf(name).every((reader) => {
      if (this.narrows(reader, name, shape)) members.add(reader);
      return members.has(reader) || (this.addElementwise(cluster, reader) && wide.has(reader.outputs[0]));
    });
  }

  private addElementwise({ members, wide, shape }: Cluster, node: GraphNode): boolean {
    const isWide = (name: string) => sameShape(this.index.shapeOf(name), shape);
    const operands = node.inputs.filter((name) => name !== '');
    if (!ELEMENTWISE.has(node.type) || !isWide(node.outputs[0])) return false;
    if (!operands.every((name) => isWide(name) || isScalar(this.index.valueOf(name)))) return false;
    members.add(node);
    for (const name of [...operands.filter(isWide), node.outputs[0]]) wide.add(name);
    return true;
  }

  private widens(node: GraphNode, shape: readonly number[]): boolean {
    const { inputs, outputs } = node;
    if (!this.isPointwise(node) || inputs[3]) return false;
    const isNarrow = this.index.shapeOf(inputs[0])[1] < shape[1];
    return isNarrow && sameShape(this.index.shapeOf(outputs[0]), shape);
  }

  private narrows(node: GraphNode, name: string, shape: readonly number[]): boolean {
    const { inputs, outputs } = node;
    if (!this.isPointwise(node) || inputs.indexOf(name) !== 0 || inputs.lastIndexOf(name) !== 0) return false;
    return this.index.shapeOf(outputs[0])[1] < shape[1];
  }

  /** Whether a node is a convolution of 1x1 pixels with known weights. */
  private isPointwise({ type, domain, inputs, attributes }: GraphNode): boolean {
    if (type !== 'Conv' || domain !== BLOCKED_DOMAIN || attributes.group !== 1) return false;
    const [, , height, width] = this.index.shapeOf(inputs[1]);
    const isKnown = this.index.context.dataOf(inputs[1]) instanceof Float32Array;
    return height === 1 && width === 1 && isKnown;
  }
}

/** The channels of each part. */
function partsOf([images, channels, ...pixels]: readonly number[]): number[] {
  const units = Math.floor(PART_BYTES / (4 * images * sizeOf(pixels) * SUMMED_CHANNELS));
  const length = SUMMED_CHANNELS * Math.max(1, units);
  return Array.from({ length: Math.ceil(channels / length) }, (_, i) =>
    Math.min(length, channels - i * length),
  );
}

/** Writes the nodes of clusters, part by part, and others as they are. */
class PartWriter {
  private readonly writer: NodeWriter;
  private readonly weights: WeightParts;
  private readonly parts = new Map<string, readonly string[]>();

  constructor(private readonly context: PassContext) {
    this.writer = new NodeWriter(context);
    this.weights = new WeightParts(this.writer);
  }

  get nodes(): GraphNode[] {
    return this.writer.nodes;
  }

  write(node: GraphNode, cluster: Cluster | undefined): void {
    if (!cluster) {
      this.writer.nodes.push(node);
      return;
    }
    this.writer.beginFor(node);
    const lengths = partsOf(cluster.shape);
    if (node.type !== 'Conv') this.parts.set(node.outputs[0], this.elementwise(node, cluster, lengths));
    else if (cluster.wide.has(node.outputs[0]))
      this.parts.set(node.outputs[0], this.widening(node, cluster, lengths));
    else this.narrowing(node, lengths);
  }

  private elementwise(node: GraphNode, { shape }: Cluster, lengths: readonly number[]): string[] {
    const { type, inputs, outputs, attributes, domain } = node;
    const { dtype } = this.context.values.get(outputs[0])!;
    return lengths.map((length, i) => {
      const operands = inputs.map((name) => this.parts.get(name)?.[i] ?? name);
      return this.writer.op(type, operands, shape.with(1, length), { attributes, domain, dtype });
    });
  }

  private widening(node: GraphNode, { shape }: Cluster, lengths: readonly number[]): string[] {
    const { type, inputs, attributes, domain } = node;
    const [x, weights, bias] = inputs;
    return this.starts(lengths).map((start, i) => {
      const part = this.weights.outer(weights, start, lengths[i]);
      const vector = bias ? [this.weights.vector(bias, start, lengths[i])] : [];
      return this.writer.op(type, [x, part, ...vector], shape.with(1, lengths[i]), { attributes, domain });
    });
  }

  /** A residual goes into the first sum and a bias into the last one, as in a single convolution. */
  private narrowing(
    { type, inputs, outputs, attributes, domain }: GraphNode,
    lengths: readonly number[],
  ): void {
    const [x, weights, bias = '', residual = ''] = inputs;
    const { shape } = this.context.values.get(outputs[0])!;
    let sum = residual;
    this.starts(lengths).forEach((start, i) => {
      const isLast = i === lengths.length - 1;
      const operands = [
        this.parts.get(x)![i],
        this.weights.inner(weights, start, lengths[i]),
        isLast ? bias : '',
        sum,
      ];
      while (operands.at(-1) === '') operands.pop();
      sum = this.writer.op(type, operands, shape, {
        attributes,
        domain,
        output: isLast ? outputs[0] : undefined,
      });
    });
  }

  private starts(lengths: readonly number[]): number[] {
    return lengths.map((_, i) => lengths.slice(0, i).reduce((total, length) => total + length, 0));
  }
}
