import { BLOCKED_DOMAIN, sameShape, type Value } from './graph-builder.js';
import {
  consumersByName,
  ELEMENTWISE,
  isScalar,
  producersByName,
  withoutUnused,
  type PassContext,
} from './graph-pass.js';
import type { GraphNode } from './model-writer.js';

const TO_PLANES = [0, 3, 1, 2];
const FROM_PLANES = [0, 2, 3, 1];

/** Connected element-wise nodes, all of one shape [N, H, W, C]. */
interface Cluster {
  readonly members: Set<GraphNode>;
  /** Values of that shape that other nodes make. */
  readonly entering: Set<string>;
  /** Values of members that other nodes read, or that are results of the graph. */
  readonly leaving: Set<string>;
}

/**
 * Element-wise operators between blocked convolutions work on blocked values, where that makes for fewer changes of layout:
 * Conv, ReorderOutput, Gelu, ReorderInput, Conv becomes Conv, Gelu, Conv. The results have the same bits.
 */
export function keepBlocked(nodes: readonly GraphNode[], context: PassContext): GraphNode[] {
  if (context.block === 0 || !nodes.some(({ domain }) => domain === BLOCKED_DOMAIN)) return [...nodes];
  const rewriter = new Rewriter(nodes, context);
  for (const cluster of rewriter.clusters()) rewriter.convertIfWorthwhile(cluster);
  return rewriter.result();
}

class Rewriter {
  private readonly producers: ReadonlyMap<string, GraphNode>;
  private readonly consumers: ReadonlyMap<string, readonly GraphNode[]>;
  private readonly before = new Map<GraphNode, GraphNode[]>();
  private readonly after = new Map<GraphNode, GraphNode[]>();
  private readonly inBlocks = new Set<GraphNode>();
  /** The blocked form of a value. */
  private readonly twins = new Map<string, string>();
  /** Values that others stand in for. */
  private readonly aliases = new Map<string, string>();

  constructor(
    private readonly nodes: readonly GraphNode[],
    private readonly context: PassContext,
  ) {
    this.producers = producersByName(nodes);
    this.consumers = consumersByName(nodes);
  }

  clusters(): Cluster[] {
    const seen = new Set<GraphNode>();
    const clusters: Cluster[] = [];
    for (const start of this.nodes) {
      if (seen.has(start) || !this.isConvertible(start)) continue;
      const cluster: Cluster = { members: new Set([start]), entering: new Set(), leaving: new Set() };
      // The set grows while it is walked.
      for (const member of cluster.members) this.addNeighbours(cluster, member);
      for (const member of cluster.members) seen.add(member);
      clusters.push(cluster);
    }
    return clusters;
  }

  convertIfWorthwhile(cluster: Cluster): void {
    const borders = [...cluster.entering, ...cluster.leaving];
    if (borders.some((name) => this.valueOf(name).dtype !== 'float32')) return;
    if (this.changesOfLayout(cluster, 'blocked') >= this.changesOfLayout(cluster, 'channels last')) return;
    for (const name of cluster.entering) this.makeEntry(name, cluster);
    for (const node of cluster.members) {
      this.inBlocks.add(node);
      const [name] = node.outputs;
      const twin = this.context.newValue(this.blockedShape(name), this.valueOf(name).dtype);
      this.twins.set(name, twin.name);
    }
    for (const name of cluster.leaving) this.makeExit(name, cluster);
  }

  /** The nodes in order, without those that nothing needs any more. */
  result(): GraphNode[] {
    const all = this.nodes.flatMap((node) => [
      ...(this.before.get(node) ?? []).map((added) => this.withAliases(added)),
      this.inBlocks.has(node) ? this.withTwins(node) : this.withAliases(node),
      ...(this.after.get(node) ?? []),
    ]);
    return withoutUnused(all, this.context.kept);
  }

  private withAliases(node: GraphNode): GraphNode {
    return { ...node, inputs: node.inputs.map((name) => this.aliases.get(name) ?? name) };
  }

  private withTwins(node: GraphNode): GraphNode {
    const twinOf = (name: string) => this.twins.get(name) ?? name;
    return { ...node, inputs: node.inputs.map(twinOf), outputs: node.outputs.map(twinOf) };
  }

  private isConvertible({ type, inputs, outputs }: GraphNode): boolean {
    const { shape } = this.valueOf(outputs[0]);
    if (!ELEMENTWISE.has(type) || shape.length !== 4 || shape[3] % this.context.block !== 0) return false;
    return inputs.every(
      (name) => name === '' || isScalar(this.valueOf(name)) || sameShape(this.valueOf(name).shape, shape),
    );
  }

  private addNeighbours({ members, entering, leaving }: Cluster, member: GraphNode): void {
    for (const name of member.inputs) {
      if (name === '' || isScalar(this.valueOf(name))) continue;
      const producer = this.producers.get(name);
      if (producer && this.isConvertible(producer)) members.add(producer);
      else entering.add(name);
    }
    const [name] = member.outputs;
    if (this.context.kept.has(name)) leaving.add(name);
    for (const consumer of this.consumersOf(name)) {
      if (this.isConvertible(consumer)) members.add(consumer);
      else leaving.add(name);
    }
  }

  /** How many nodes at the border of a cluster only change the layout of its values. */
  private changesOfLayout(
    { members, entering, leaving }: Cluster,
    layout: 'blocked' | 'channels last',
  ): number {
    let count = 0;
    for (const name of entering) {
      const isOnlyHere =
        this.consumersOf(name).every((node) => members.has(node)) && !this.context.kept.has(name);
      const comesBlocked = this.blockedSource(name) !== undefined;
      if (layout === 'blocked') count += comesBlocked ? 0 : 1;
      else count += isOnlyHere && (comesBlocked || this.planesSource(name) !== undefined) ? 1 : 0;
    }
    for (const name of leaving) {
      const exits = this.exitsOf(name, members);
      if (layout === 'blocked') count += exits.toPlanes.length + (exits.isReadInRows ? 1 : 0);
      else count += exits.toPlanes.length + exits.toBlocks.length;
    }
    return count;
  }

  /** Who reads a member's value outside of the cluster. */
  private exitsOf(name: string, members: ReadonlySet<GraphNode>) {
    const outside = this.consumersOf(name).filter((node) => !members.has(node));
    const toBlocks = outside.filter(({ type }) => type === 'ReorderInput');
    const toPlanes = outside.filter(
      (node) => isTranspose(node, TO_PLANES) && !this.context.kept.has(node.outputs[0]),
    );
    const isReadInRows = outside.length > toBlocks.length + toPlanes.length || this.context.kept.has(name);
    return { toBlocks, toPlanes, isReadInRows };
  }

  private makeEntry(name: string, { members }: Cluster): void {
    if (this.twins.has(name)) return;
    const blocked = this.blockedSource(name);
    if (blocked !== undefined) {
      this.twins.set(name, blocked);
      return;
    }
    const planes = this.planesSource(name);
    const twin = this.context.newValue(this.blockedShape(name));
    const first = this.nodes.find((node) => members.has(node) && node.inputs.includes(name))!;
    this.insert(this.before, first, {
      name: `${first.name}.blocked`,
      type: 'ReorderInput',
      domain: BLOCKED_DOMAIN,
      inputs: [planes ?? name],
      outputs: [twin.name],
      attributes: { channels_last: planes === undefined ? 1 : 0 },
    });
    this.twins.set(name, twin.name);
  }

  private makeExit(name: string, { members }: Cluster): void {
    const producer = this.producers.get(name)!;
    const blocked = this.twins.get(name)!;
    const exits = this.exitsOf(name, members);
    for (const { outputs } of exits.toBlocks) this.aliases.set(outputs[0], blocked);
    const reorder = (output: string, channelsLast: number) =>
      this.insert(this.after, producer, {
        name: `${producer.name}.${channelsLast === 1 ? 'rows' : 'planes'}`,
        type: 'ReorderOutput',
        domain: BLOCKED_DOMAIN,
        inputs: [blocked],
        outputs: [output],
        attributes: { channels: this.blockedShape(name)[1], channels_last: channelsLast },
      });
    if (exits.isReadInRows) reorder(name, 1);
    for (const { outputs } of exits.toPlanes) {
      const planes = this.context.newValue(this.blockedShape(name));
      this.aliases.set(outputs[0], planes.name);
      reorder(planes.name, 0);
    }
  }

  private insert(where: Map<GraphNode, GraphNode[]>, at: GraphNode, node: GraphNode): void {
    where.set(at, [...(where.get(at) ?? []), node]);
  }

  /** The blocked value that a value was reordered from, unless channels were cut off. */
  private blockedSource(name: string): string | undefined {
    if (this.twins.has(name)) return this.twins.get(name);
    const producer = this.producers.get(name);
    if (producer?.type !== 'ReorderOutput' || producer.attributes.channels_last !== 1) return undefined;
    const [source] = producer.inputs;
    return this.valueOf(source).shape[1] === this.valueOf(name).shape[3] ? source : undefined;
  }

  private planesSource(name: string): string | undefined {
    const producer = this.producers.get(name);
    return producer && isTranspose(producer, FROM_PLANES) ? producer.inputs[0] : undefined;
  }

  private blockedShape(name: string): number[] {
    const { shape } = this.valueOf(name);
    return TO_PLANES.map((axis) => shape[axis]);
  }

  private consumersOf(name: string): readonly GraphNode[] {
    return this.consumers.get(name) ?? [];
  }

  private valueOf(name: string): Value {
    return this.context.values.get(name)!;
  }
}

function isTranspose({ type, attributes }: GraphNode, perm: readonly number[]): boolean {
  return type === 'Transpose' && sameShape(attributes.perm as readonly number[], perm);
}
