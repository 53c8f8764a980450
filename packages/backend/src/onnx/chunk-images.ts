import { chunkLengths, LARGE_BYTES } from './chunk-sizes.js';
import { ELEMENTWISE, NodeIndex, type PassContext } from './graph-pass.js';
import { BLOCKED_DOMAIN, type GraphNode } from './model-writer.js';
import { sizeOf } from './value.js';

/** What a number to split or to join costs, in passes that a large value spares by being small. */
const PASSES_OF_A_COPY = 8;

/** Connected nodes that take every image for itself, on blocked values of one height and width. */
interface Cluster {
  readonly members: Set<GraphNode>;
  readonly images: number;
  readonly height: number;
  readonly width: number;
  /** Numbers of an image in the widest value. */
  widest: number;
}

/**
 * Image chunks: where blocked values are larger than the cache, a whole stage of a network, forward and gradient, happens for
 * one part of the images after the other. What goes into the stage is split, what comes out joined; ONNX Runtime runs one chain
 * of parts after the other whatever their order here. The results have the same bits, as images do not know of each other.
 */
export function chunkImages(nodes: readonly GraphNode[], context: PassContext): GraphNode[] {
  if (context.block === 0) return [...nodes];
  const index = new NodeIndex(nodes, context);
  const chunkerOf = new Map<GraphNode, Chunker>();
  for (const node of nodes) {
    if (chunkerOf.has(node) || !isLargeConvolution(node, index)) continue;
    const cluster = clusterAt(node, index);
    if (chunkLengths(cluster.images, cluster.widest).length === 1 || !isWorthwhile(cluster, index)) continue;
    const chunker = new Chunker(cluster, index);
    for (const member of cluster.members) chunkerOf.set(member, chunker);
  }
  return nodes.flatMap((node) => chunkerOf.get(node)?.chunks(node) ?? [node]);
}

function isLargeConvolution({ type, domain, outputs }: GraphNode, index: NodeIndex): boolean {
  return type === 'Conv' && domain === BLOCKED_DOMAIN && 4 * sizeOf(index.shapeOf(outputs[0])) > LARGE_BYTES;
}

function clusterAt(start: GraphNode, index: NodeIndex): Cluster {
  const [images, , height, width] = index.shapeOf(start.outputs[0]);
  const cluster: Cluster = { members: new Set([start]), images, height, width, widest: 0 };
  // The set grows while it is walked.
  for (const member of cluster.members) {
    const [output] = member.outputs;
    cluster.widest = Math.max(cluster.widest, sizeOf(index.shapeOf(output)) / images);
    const producers = imageInputs(member, cluster, index).map((name) => index.producerOf(name));
    for (const node of [...producers, ...index.consumersOf(output)])
      if (node && isImagewise(node, cluster, index)) cluster.members.add(node);
  }
  return cluster;
}

/** Whether what large values spare is more than what it takes to split and join, copies that are made on one thread. */
function isWorthwhile(cluster: Cluster, index: NodeIndex): boolean {
  const { members } = cluster;
  let [large, copied] = [0, 0];
  const entering = new Set<string>();
  for (const member of members) {
    const [output] = member.outputs;
    const size = sizeOf(index.shapeOf(output));
    if (4 * size > LARGE_BYTES && member.type !== 'Reshape') large += size;
    if (isReadOutside(output, members, index)) copied += size;
    for (const name of imageInputs(member, cluster, index)) {
      const producer = index.producerOf(name);
      if (!producer || !members.has(producer)) entering.add(name);
    }
  }
  for (const name of entering) copied += sizeOf(index.shapeOf(name));
  return copied * PASSES_OF_A_COPY < large;
}

function isReadOutside(name: string, members: ReadonlySet<GraphNode>, index: NodeIndex): boolean {
  return index.isResult(name) || index.consumersOf(name).some((reader) => !members.has(reader));
}

/** Whether a node makes a value of the cluster's images from such values and what is the same for all images. */
function isImagewise(node: GraphNode, cluster: Cluster, index: NodeIndex): boolean {
  const { type, domain, inputs, outputs } = node;
  const isConvolution = type === 'Conv' && domain === BLOCKED_DOMAIN;
  const isKnown = isConvolution || type === 'Reshape' || type === 'MatMul' || ELEMENTWISE.has(type);
  if (!isKnown || !hasImages(outputs[0], cluster, index)) return false;
  const own = imageInputs(node, cluster, index);
  if (isConvolution) return own[0] === inputs[0] && !own.includes(inputs[1]);
  if (type === 'MatMul')
    return own.length === 1 && own[0] === inputs[1] && index.shapeOf(inputs[0]).length === 2;
  if (type === 'Reshape') return own.length === 1;
  const rank = index.shapeOf(outputs[0]).length;
  return (
    own.length > 0 &&
    inputs.every((name) => own.includes(name) || name === '' || isForEveryImage(name, rank, index))
  );
}

function isForEveryImage(name: string, rank: number, index: NodeIndex): boolean {
  const shape = index.shapeOf(name);
  return shape.length < rank || shape[0] === 1;
}

/** The inputs that have an entry for every image. */
function imageInputs({ inputs }: GraphNode, cluster: Cluster, index: NodeIndex): string[] {
  return inputs.filter((name) => name !== '' && hasImages(name, cluster, index));
}

/** A blocked value, [N, C, H, W], or its numbers as they lie in memory, [N, C / block, H W block]. */
function hasImages(name: string, { images, height, width }: Cluster, index: NodeIndex): boolean {
  const shape = index.shapeOf(name);
  if (shape[0] !== images) return false;
  if (shape.length === 4) return shape[2] === height && shape[3] === width;
  return shape.length === 3 && shape[2] === height * width * index.context.block;
}

/** Writes the nodes of a cluster, chunk by chunk. */
class Chunker {
  /** Images of each chunk. */
  private readonly lengths: readonly number[];
  private readonly parts = new Map<string, readonly string[]>();
  private readonly context: PassContext;

  constructor(
    private readonly cluster: Cluster,
    private readonly index: NodeIndex,
  ) {
    this.context = index.context;
    this.lengths = chunkLengths(cluster.images, cluster.widest);
  }

  chunks(node: GraphNode): GraphNode[] {
    const { type, inputs, outputs } = node;
    const entering = imageInputs(node, this.cluster, this.index).filter((name) => !this.parts.has(name));
    const splits = entering.map((name) => this.split(node, name));
    const [output] = outputs;
    const shape = this.index.shapeOf(output);
    const { dtype } = this.index.valueOf(output);
    const results = this.lengths.map(
      (images) => this.context.newValue([images, ...shape.slice(1)], dtype).name,
    );
    this.parts.set(output, results);
    const copies = results.map((result, i) => {
      const own = inputs.map((name) => this.parts.get(name)?.[i] ?? name);
      const target = () => this.context.ints([this.lengths[i], ...shape.slice(1)]);
      return {
        ...node,
        name: `${node.name}.images${i}`,
        inputs: type === 'Reshape' ? [own[0], target()] : own,
        outputs: [result],
      };
    });
    return [...splits, ...copies, ...this.join(node, results)];
  }

  private split({ name: nodeName }: GraphNode, name: string): GraphNode {
    const rest = this.index.shapeOf(name).slice(1);
    const { dtype } = this.index.valueOf(name);
    const outputs = this.lengths.map((images) => this.context.newValue([images, ...rest], dtype).name);
    this.parts.set(name, outputs);
    const inputs = [name, this.context.ints(this.lengths)];
    return { name: `${nodeName}.split`, type: 'Split', domain: '', inputs, outputs, attributes: { axis: 0 } };
  }

  /** The whole value, if anything outside of the cluster reads it. */
  private join({ name, outputs }: GraphNode, parts: readonly string[]): GraphNode[] {
    if (!isReadOutside(outputs[0], this.cluster.members, this.index)) return [];
    const attributes = { axis: 0 };
    return [{ name: `${name}.joined`, type: 'Concat', domain: '', inputs: parts, outputs, attributes }];
  }
}
