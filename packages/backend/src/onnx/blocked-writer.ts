import { BlockedHeads } from './blocked-heads.js';
import { BlockedValues, type BlockedValue } from './blocked-values.js';
import { BlockedWeights } from './blocked-weights.js';
import { ELEMENTWISE, withoutUnused, type NodeIndex } from './graph-pass.js';
import { headsSource } from './heads.js';
import { blockedSource, Layouts, planesSource, type Cluster } from './keep-blocked.js';
import type { FloatAttribute, GraphNode } from './model-writer.js';
import { NodeWriter } from './node-writer.js';
import { WeightParts } from './weight-parts.js';

/** Writes the nodes of a graph with those of some clusters on blocked values. */
export class BlockedWriter {
  private readonly writer: NodeWriter;
  private readonly weights: BlockedWeights;
  private readonly convertedBy = new Map<GraphNode, ClusterWriter>();
  /** Values that others stand in for. */
  private readonly aliases = new Map<string, string>();

  constructor(
    private readonly nodes: readonly GraphNode[],
    private readonly index: NodeIndex,
    clusters: readonly Cluster[],
  ) {
    this.writer = new NodeWriter(index.context);
    this.weights = new BlockedWeights(this.writer, index);
    for (const cluster of clusters) {
      const converter = new ClusterWriter(cluster, index, this.writer, this.weights, this.aliases);
      for (const node of cluster.members) this.convertedBy.set(node, converter);
    }
  }

  /** The nodes in order, without those that nothing needs any more. */
  write(): GraphNode[] {
    for (const node of this.nodes) {
      const converter = this.convertedBy.get(node);
      if (converter) converter.write(node);
      else
        this.writer.nodes.push({
          ...node,
          inputs: node.inputs.map((name) => this.aliases.get(name) ?? name),
        });
    }
    return withoutUnused(this.writer.nodes, this.index.context.kept);
  }
}

/** Writes the nodes of one cluster. */
class ClusterWriter {
  private readonly values: BlockedValues;
  private readonly heads: BlockedHeads;
  private readonly twins = new Map<string, BlockedValue>();

  constructor(
    private readonly cluster: Cluster,
    private readonly index: NodeIndex,
    private readonly writer: NodeWriter,
    private readonly weights: BlockedWeights,
    private readonly aliases: Map<string, string>,
  ) {
    this.values = new BlockedValues(writer, cluster.pixels);
    this.heads = new BlockedHeads(writer, this.values, new WeightParts(writer), cluster.pixels);
  }

  write(node: GraphNode): void {
    this.writer.beginFor(node);
    this.convert(node);
    for (const name of node.outputs) if (this.cluster.leaving.has(name)) this.exit(name);
  }

  private convert(node: GraphNode): void {
    const { type, inputs, outputs } = node;
    if (type === 'Reshape') this.twins.set(outputs[0], this.handedOn(inputs[0]));
    else if (type === 'LayerNormalization') this.convertLayerNorm(node);
    else if (type === 'ReduceMean') this.twins.set(outputs[0], this.values.mean(this.twinOf(inputs[0])));
    else if (ELEMENTWISE.has(type)) this.convertElementwise(node);
    else this.convertProduct(node);
  }

  /** A product with weights as a convolution of 1x1 pixels. */
  private convertProduct(node: GraphNode): void {
    const { outputs } = node;
    const channels = this.channelsOf(outputs[0]);
    const convolution = this.convolution(node, channels);
    this.twins.set(outputs[0], { flat: convolution.outputs[0], channels, convolution });
  }

  private convolution(node: GraphNode, channels: number): GraphNode {
    const [x] = node.inputs;
    const weights = this.weights.of(node);
    const heads = this.index.isReadOnce(x) ? headsSource(x, this.index) : undefined;
    if (heads) return this.heads.product(heads, weights, channels);
    return this.values.convolve([this.values.flat(this.twinOf(x)), weights], channels);
  }

  private convertElementwise(node: GraphNode): void {
    const { type, inputs, outputs, attributes, domain } = node;
    if (type === 'Add' && this.addToConvolution(node)) return;
    const forms = inputs.map((name) => this.cluster.operators.formOf(name, node));
    const twins = inputs.map((name, i) =>
      forms[i] === 'pixels' || forms[i] === 'one a pixel' ? this.twinOf(name) : undefined,
    );
    const isFlat =
      twins.every((twin) => !twin || twin.flat !== undefined) &&
      forms.every((form) => form !== 'vector' && form !== 'one a pixel');
    const operands = inputs.map((name, i) => {
      const twin = twins[i];
      if (twin) return isFlat ? this.values.flat(twin) : this.values.lanes(twin);
      return forms[i] === 'vector' ? this.values.vector(name) : name;
    });
    const channels = this.channelsOf(outputs[0]);
    const shape = isFlat ? this.values.flatShape(channels) : this.values.lanesShape(channels);
    const { dtype } = this.index.valueOf(outputs[0]);
    const result = this.writer.op(type, operands, shape, { attributes, domain, dtype });
    this.twins.set(outputs[0], isFlat ? { flat: result, channels } : { lanes: result, channels });
  }

  /** What is added to a convolution's result, a vector or another value, becomes an input of the convolution if nothing else reads the result. */
  private addToConvolution({ inputs, outputs }: GraphNode): boolean {
    const [left, right] = inputs;
    return left !== right && (this.absorb(left, right, outputs[0]) || this.absorb(right, left, outputs[0]));
  }

  private absorb(name: string, other: string, output: string): boolean {
    const { operators } = this.cluster;
    if (operators.channelsOf(name) !== operators.channelsOf(output) || !this.index.isReadOnce(name))
      return false;
    const { convolution, channels } = this.twinOf(name);
    if (!convolution) return false;
    const [x, weights, bias, sum] = convolution.inputs;
    const isSum = operators.channelsOf(other) === channels;
    const isBias = this.index.shapeOf(other).length === 1 && bias === undefined;
    if (sum !== undefined || (!isSum && !isBias)) return false;
    const rest = isSum ? [bias ?? '', this.values.flat(this.twinOf(other))] : [other];
    const extended = { ...convolution, inputs: [x, weights, ...rest] };
    // To where the other input is known.
    this.writer.nodes.splice(this.writer.nodes.lastIndexOf(convolution), 1);
    this.writer.nodes.push(extended);
    this.twins.set(output, { flat: convolution.outputs[0], channels, convolution: extended });
    return true;
  }

  /** x^ = (x - mean) / sqrt(variance + epsilon), then the vectors; the mean and 1 / sigma are results, too. */
  private convertLayerNorm({ inputs, outputs, attributes }: GraphNode): void {
    const { writer, values } = this;
    const x = this.twinOf(inputs[0]);
    const { channels } = x;
    const shape = values.lanesShape(channels);
    const perPixel = values.lanesShape(1);
    const mean = values.mean(x);
    const centred = writer.op('Sub', [values.lanes(x), values.lanes(mean)], shape);
    const squares = { lanes: writer.op('Mul', [centred, centred], shape), channels };
    const variance = values.lanes(values.mean(squares));
    const epsilon = writer.context.scalar((attributes.epsilon as FloatAttribute).value);
    const deviation = writer.op('Sqrt', [writer.op('Add', [variance, epsilon], perPixel)], perPixel);
    const inverse = writer.op('Reciprocal', [deviation], perPixel);
    let result = writer.op('Mul', [centred, inverse], shape);
    const [, gamma, beta] = inputs;
    if (gamma !== writer.context.ones(channels))
      result = writer.op('Mul', [result, values.vector(gamma)], shape);
    if (beta) result = writer.op('Add', [result, values.vector(beta)], shape);
    const twins: BlockedValue[] = [{ lanes: result, channels }, mean, { lanes: inverse, channels: 1 }];
    outputs.forEach((name, i) => this.twins.set(name, twins[i]));
  }

  /** The twin of a value under another shape. */
  private handedOn(name: string): BlockedValue {
    const twin = this.twinOf(name);
    return this.index.isReadOnce(name) ? twin : { ...twin, convolution: undefined };
  }

  private twinOf(name: string): BlockedValue {
    let twin = this.twins.get(name);
    if (!twin) this.twins.set(name, (twin = this.entering(name)));
    return twin;
  }

  private entering(name: string): BlockedValue {
    const channels = this.channelsOf(name);
    if (this.cluster.operators.isForAllImages(name)) return this.values.fromOneImage(name, channels);
    const blocked = blockedSource(name, this.index);
    if (blocked !== undefined) {
      const producer = this.index.producerOf(blocked);
      const isFree = producer?.type === 'Conv' && this.index.isReadOnce(blocked);
      const convolution = isFree
        ? this.writer.nodes.find(({ outputs }) => outputs[0] === blocked)
        : undefined;
      return { flat: blocked, channels, convolution };
    }
    const heads = headsSource(name, this.index);
    if (heads) return this.heads.enter(heads);
    const planes = planesSource(name, this.index);
    return planes === undefined
      ? this.values.fromRows(name, channels)
      : this.values.fromPlanes(planes, channels);
  }

  /** Brings a value out of the cluster; readers of its blocked form read the twin. */
  private exit(name: string): void {
    const { toBlocks, toPlanes, toHeads, isReadInRows } = new Layouts(this.cluster, this.index).exitsOf(name);
    const twin = this.twinOf(name);
    for (const { outputs } of toBlocks) this.aliases.set(outputs[0], this.values.flat(twin));
    if (isReadInRows) this.values.toRows(twin, name);
    const isFree = this.index.isReadOnce(name);
    for (const heads of toHeads) this.aliases.set(heads.name, this.heads.leave(twin, heads, isFree));
    for (const { outputs } of toPlanes) this.aliases.set(outputs[0], this.values.toPlanes(twin));
  }

  private channelsOf(name: string): number {
    return this.cluster.operators.channelsOf(name)!;
  }
}
