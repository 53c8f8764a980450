import { BlockedWriter } from './blocked-writer.js';
import { sameShape, sizeOf } from './value.js';
import { NodeIndex, type PassContext } from './graph-pass.js';
import type { GraphNode } from './model-writer.js';
import { channelsOfHeads, headsRead, headsSource, type Heads } from './heads.js';
import { isMatrixProduct, PixelwiseOperators, type Pixels } from './pixelwise.js';

const TO_PLANES = [0, 3, 1, 2];
const FROM_PLANES = [0, 2, 3, 1];
/** A product with so many weights, as a convolution of 1x1 pixels, spares the time that one channel takes to change its layout. */
const WEIGHTS_PER_CHANNEL = 2048;

/** Connected nodes that take every pixel of the same images for itself. */
export interface Cluster {
  readonly pixels: Pixels;
  readonly operators: PixelwiseOperators;
  readonly members: Set<GraphNode>;
  /** Values that other nodes make. */
  readonly entering: Set<string>;
  /** Values of members that other nodes read, or that are results of the graph. */
  readonly leaving: Set<string>;
}

/**
 * Operators that take every pixel (or every token of a sequence) for itself work on blocked values where that makes for fewer
 * changes of layout: Conv, ReorderOutput, Gelu, ReorderInput, Conv becomes Conv, Gelu, Conv. Products with weights become
 * convolutions of 1x1 pixels, which are faster and add biases and residuals for nothing, LayerNorms element-wise operators and
 * means over the channels. Whether it is done does not depend on the number of images.
 */
export function keepBlocked(nodes: readonly GraphNode[], context: PassContext): GraphNode[] {
  if (context.block === 0) return [...nodes];
  const index = new NodeIndex(nodes, context);
  const clusters = clustersOf(nodes, index).filter((cluster) => new Layouts(cluster, index).isWorthwhile());
  return clusters.length === 0 ? [...nodes] : new BlockedWriter(nodes, index, clusters).write();
}

function clustersOf(nodes: readonly GraphNode[], index: NodeIndex): Cluster[] {
  const seen = new Set<GraphNode>();
  const clusters: Cluster[] = [];
  for (const start of nodes) {
    const shape = index.shapeOf(start.outputs[0]);
    if (seen.has(start) || (shape.length !== 3 && shape.length !== 4)) continue;
    const pixels = pixelsOf(shape);
    const operators = new PixelwiseOperators(index, pixels);
    if (sizeOf(pixels) === 1 || !operators.fits(start)) continue;
    const members = new Set([start]);
    // The set grows while it is walked.
    for (const member of members) addNeighbours(members, member, operators, index);
    for (const member of members) seen.add(member);
    leaveToRows(members, operators, index);
    clusters.push({ pixels, operators, members, ...bordersOf(members, operators, index) });
  }
  return clusters;
}

/** The pixels of [N, H, W, C], or the tokens of [N, T, C]. */
function pixelsOf([images, ...rest]: readonly number[]): Pixels {
  return rest.length === 3 ? [images, rest[0], rest[1]] : [images, 1, rest[0]];
}

function addNeighbours(
  members: Set<GraphNode>,
  member: GraphNode,
  operators: PixelwiseOperators,
  index: NodeIndex,
) {
  for (const name of operators.pixelInputs(member)) {
    const producer = index.producerOf(name);
    if (producer && operators.fits(producer)) members.add(producer);
  }
  for (const name of member.outputs)
    for (const consumer of index.consumersOf(name))
      if (operators.reads(consumer, name)) members.add(consumer);
}

/** Removes nodes at the border that are better off in rows, one after the other. */
function leaveToRows(members: Set<GraphNode>, operators: PixelwiseOperators, index: NodeIndex): void {
  const isInside = (name: string) => {
    const producer = index.producerOf(name);
    if (headsSource(name, index)) return true;
    return producer !== undefined && (members.has(producer) || producer.type === 'ReorderOutput');
  };
  const isReadInside = (name: string) =>
    index
      .consumersOf(name)
      .some((node) => members.has(node) || node.type === 'ReorderInput' || headsRead(node, name, index));
  for (let size = Infinity; members.size < size;) {
    size = members.size;
    for (const node of members) {
      const inputs = [...new Set(operators.pixelInputs(node))];
      const outside = inputs.filter((name) => !isInside(name)).length;
      const isFirst = outside === inputs.length;
      const isLast = !node.outputs.some(isReadInside);
      const isWider = outside > 1 - Number(isLast);
      if (
        (isFirst && (isWider || operators.isForRows(node, 'entering'))) ||
        (isLast && (isWider || operators.isForRows(node, 'leaving')))
      )
        members.delete(node);
    }
  }
}

function bordersOf(members: ReadonlySet<GraphNode>, operators: PixelwiseOperators, index: NodeIndex) {
  const entering = new Set<string>();
  const leaving = new Set<string>();
  for (const member of members) {
    for (const name of operators.pixelInputs(member)) {
      const producer = index.producerOf(name);
      if (!producer || !members.has(producer)) entering.add(name);
    }
    for (const name of member.outputs) {
      const isReadOutside = index
        .consumersOf(name)
        .some((node) => !members.has(node) || !operators.reads(node, name));
      if (isReadOutside || index.isResult(name)) leaving.add(name);
    }
  }
  return { entering, leaving };
}

/** Who reads a value of a cluster outside of it. */
export interface Exits {
  readonly toBlocks: readonly GraphNode[];
  readonly toPlanes: readonly GraphNode[];
  readonly toHeads: readonly Heads[];
  readonly isReadInRows: boolean;
}

/** The values at the border of a cluster, and what changes their layout. */
export class Layouts {
  constructor(
    private readonly cluster: Cluster,
    private readonly index: NodeIndex,
  ) {}

  isWorthwhile(): boolean {
    const borders = [...this.cluster.entering, ...this.cluster.leaving];
    if (borders.some((name) => this.index.valueOf(name).dtype !== 'float32')) return false;
    return this.changes('blocked') < this.changes('channels last') + this.productsWorth();
  }

  exitsOf(name: string): Exits {
    const { members, operators } = this.cluster;
    const outside = this.index
      .consumersOf(name)
      .filter((node) => !members.has(node) || !operators.reads(node, name));
    const toBlocks = outside.filter(({ type }) => type === 'ReorderInput');
    const toPlanes = outside.filter(
      (node) => isTranspose(node, TO_PLANES) && !this.index.isResult(node.outputs[0]),
    );
    const headed = outside
      .map((node) => headsRead(node, name, this.index))
      .filter((heads) => heads !== undefined);
    const isReadInRows =
      outside.length > toBlocks.length + toPlanes.length + headed.length || this.index.isResult(name);
    return { toBlocks, toPlanes, toHeads: headed.flat(), isReadInRows };
  }

  /** Channels whose layout changes at the cluster's border: all values there have the same number of pixels. */
  private changes(layout: 'blocked' | 'channels last'): number {
    const { entering, leaving, members, operators } = this.cluster;
    let count = 0;
    for (const name of entering) {
      const isOnlyHere =
        this.index.consumersOf(name).every((node) => members.has(node)) && !this.index.isResult(name);
      const comesBlocked = blockedSource(name, this.index) !== undefined;
      const comesInPlanes =
        planesSource(name, this.index) !== undefined || headsSource(name, this.index) !== undefined;
      const isChanged = layout === 'blocked' ? !comesBlocked : isOnlyHere && (comesBlocked || comesInPlanes);
      if (isChanged) count += operators.channelsOf(name)!;
    }
    for (const name of leaving) {
      const { toBlocks, toPlanes, toHeads, isReadInRows } = this.exitsOf(name);
      const toOthers = layout === 'blocked' ? Number(isReadInRows) : toBlocks.length;
      count += (toPlanes.length + toOthers) * operators.channelsOf(name)!;
      for (const heads of toHeads) count += channelsOfHeads(heads);
    }
    return count;
  }

  /** What convolutions are faster than products, in channels that change their layout. */
  private productsWorth(): number {
    const products = [...this.cluster.members].filter(isMatrixProduct);
    const weights = products.map(({ inputs }) => sizeOf(this.index.shapeOf(inputs[1])));
    return weights.reduce((total, size) => total + size, 0) / WEIGHTS_PER_CHANNEL;
  }
}

/** The blocked value that a value was reordered from, unless channels were cut off. */
export function blockedSource(name: string, index: NodeIndex): string | undefined {
  const producer = index.producerOf(name);
  if (producer?.type !== 'ReorderOutput' || producer.attributes.channels_last !== 1) return undefined;
  const [source] = producer.inputs;
  return index.shapeOf(source)[1] === index.shapeOf(name)[3] ? source : undefined;
}

/** The planes that a value was transposed from. */
export function planesSource(name: string, index: NodeIndex): string | undefined {
  const producer = index.producerOf(name);
  return producer && isTranspose(producer, FROM_PLANES) ? producer.inputs[0] : undefined;
}

function isTranspose({ type, attributes }: GraphNode, perm: readonly number[]): boolean {
  return type === 'Transpose' && sameShape(attributes.perm as readonly number[], perm);
}
