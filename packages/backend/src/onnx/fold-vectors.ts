import { withoutUnused, type PassContext } from './graph-pass.js';
import type { GraphNode } from './model-writer.js';
import { ProductFinder, type Factor } from './product-finder.js';

/**
 * Vectors along the channels that scale what goes into a product with a weight matrix, or what comes out of it, are
 * multiplied into the matrix, which is smaller than the images' values and, once frozen, done when a graph is compiled:
 * LayerNorm's gamma and beta (with beta W in the bias that follows), LayerScale, and the same factors in input gradients.
 * Normalised values then are the same in a LayerNorm and in its gradient, which need not compute them again.
 *
 * A model's results are the same bits with an input gradient and without, as both have these nodes.
 */
export function foldVectors(nodes: readonly GraphNode[], context: PassContext): GraphNode[] {
  if (context.block === 0) return [...nodes];
  const folder = new VectorFolder(nodes, context);
  for (const node of nodes) {
    if (node.type === 'LayerNormalization') folder.foldLayerNorm(node);
    if (node.type === 'Mul') folder.foldFactor(node);
  }
  return folder.result();
}

/** A product's matrix of weights, and what the matrix's axes are in the product. */
interface Weights {
  readonly matrix: string;
  readonly axes: { readonly inner: 0 | 1; readonly columns: 0 | 1 };
}

const PLAIN = { inner: 0, columns: 1 } as const;
const TRANSPOSED = { inner: 1, columns: 0 } as const;

class VectorFolder {
  private readonly finder: ProductFinder;
  private readonly positions: ReadonlyMap<string, number>;
  /** New nodes by the position of the node that they follow; -1 before all. */
  private readonly added = new Map<number, GraphNode[]>();
  /** Positions of what the new nodes make. */
  private readonly addedAt = new Map<string, number>();
  /** Outputs of new nodes by operator and inputs. */
  private readonly known = new Map<string, string>();
  private readonly weights = new Map<GraphNode, Weights>();
  private readonly replaced = new Map<GraphNode, GraphNode>();
  private readonly removed = new Set<GraphNode>();
  private readonly renamed = new Map<string, string>();

  constructor(
    private readonly nodes: readonly GraphNode[],
    private readonly context: PassContext,
  ) {
    this.finder = new ProductFinder(nodes, context);
    this.positions = new Map(nodes.flatMap(({ outputs }, i) => outputs.map((name) => [name, i] as const)));
  }

  result(): GraphNode[] {
    const addedAfter = (position: number) => this.added.get(position) ?? [];
    const all = this.nodes.flatMap((node, i) => [
      ...(this.removed.has(node) ? [] : [this.current(node)]),
      ...addedAfter(i),
    ]);
    const renamed = [...addedAfter(-1), ...all].map((node) => ({
      ...node,
      inputs: node.inputs.map((name) => this.nameOf(name)),
      outputs: node.outputs.map((name) => this.nameOf(name)),
    }));
    return withoutUnused(renamed, this.context.kept);
  }

  /** gamma x^ + beta into products, whose results meet a bias each. */
  foldLayerNorm(node: GraphNode): void {
    const { inputs, outputs } = node;
    const [, gamma, beta] = inputs;
    if (beta === undefined || outputs.length > 1) return;
    const readers = this.productsTaking(outputs[0], gamma);
    const biased = readers?.map((product) => this.biasedSum(product));
    if (!readers || readers.length === 0 || !biased || biased.includes(undefined)) return;
    for (const sum of new Set(biased)) {
      const weights = this.weightsOf(readers[biased.indexOf(sum)])!;
      this.changeBias(sum!, (bias) => this.biasPlus(bias, beta, weights));
    }
    for (const product of readers) this.scaleWeights(product, 'inner', gamma);
    this.shareNormalised(node);
  }

  /** A Mul with a vector before products or after one. */
  foldFactor(node: GraphNode): void {
    const [x, vector] = node.inputs;
    const [output] = node.outputs;
    if (this.finder.shapeOf(vector).length !== 1) return;
    const readers = this.productsTaking(output, vector);
    if (readers && readers.length > 0) {
      for (const product of readers) this.scaleWeights(product, 'inner', vector);
      this.removed.add(node);
      this.renamed.set(output, x);
      return;
    }
    const [columns] = this.finder.shapeOf(vector);
    const origin = this.finder.isReadOnce(x) ? this.finder.originOf(x, this.keeping(columns)) : undefined;
    if (!origin || !isMultiple(this.extentOf(origin.product, 'columns'), columns)) return;
    if (!this.isKnownBefore(vector, origin.product)) return;
    this.scaleWeights(origin.product, 'columns', vector);
    for (const sum of origin.sums)
      this.changeBias(sum, (bias) =>
        this.once('Mul', [bias, this.repeated(vector, this.lengthOf(bias))], this.finder.shapeOf(bias)),
      );
    this.removed.add(node);
    this.renamed.set(x, output);
  }

  /** The products with weights that take a value along a vector, and nothing else does. */
  private productsTaking(name: string, vector: string): GraphNode[] | undefined {
    const length = this.lengthOf(vector);
    const readers = this.finder.productsReading(name, this.keeping(length));
    const takes = ({ product, position }: Factor) =>
      position === 0 && isMultiple(this.extentOf(product, 'inner'), length);
    return readers?.every(takes) ? readers.map(({ product }) => product) : undefined;
  }

  /** The sum with a bias that a product's result goes into and nowhere else. */
  private biasedSum(product: GraphNode): GraphNode | undefined {
    const keepsColumns = this.keeping(this.finder.shapeOf(product.outputs[0])[1]);
    for (let [name] = product.outputs; this.finder.isReadOnce(name);) {
      const [reader] = this.finder.consumersOf(name);
      if (reader.type === 'Add') {
        const [left, bias] = reader.inputs;
        return left === name && this.finder.shapeOf(bias).length === 1 ? reader : undefined;
      }
      if (!keepsColumns(reader)) return undefined;
      [name] = reader.outputs;
    }
    return undefined;
  }

  /** x^ of the LayerNorm's gradient, if there is one; else the LayerNorm without its vectors. */
  private shareNormalised(node: GraphNode): void {
    const [x, gamma] = node.inputs;
    const ones = this.context.ones(this.lengthOf(gamma));
    const inGradient = this.finder.consumersOf(x).find(({ type, inputs, attributes }) => {
      const isSame = `${attributes.epsilon}` === `${node.attributes.epsilon}`;
      return type === 'LayerNormalization' && inputs.length === 2 && inputs[1] === ones && isSame;
    });
    if (!inGradient) {
      this.replaced.set(node, { ...node, inputs: [x, ones] });
      return;
    }
    const isThere = this.removed.has(inGradient) || this.isKnownBefore(inGradient.outputs[0], node);
    this.removed.add(isThere ? node : inGradient);
    if (!isThere) this.replaced.set(node, inGradient);
    this.renamed.set(node.outputs[0], inGradient.outputs[0]);
  }

  private scaleWeights(product: GraphNode, along: 'inner' | 'columns', vector: string): void {
    const { matrix, axes } = this.weightsOf(product)!;
    const extent = this.finder.shapeOf(matrix)[axes[along]];
    const row = this.repeated(vector, extent);
    const column = () => this.once('Reshape', [row, this.context.ints([-1, 1])], [extent, 1]);
    const factors = axes[along] === 0 ? column() : row;
    const scaled = this.once('Mul', [matrix, factors], this.finder.shapeOf(matrix));
    this.weights.set(product, { matrix: scaled, axes });
    this.replaced.set(product, { ...product, inputs: [product.inputs[0], scaled] });
  }

  /** bias + vector W */
  private biasPlus(bias: string, vector: string, { matrix, axes }: Weights): string {
    const [inner, columns] = [axes.inner, axes.columns].map((axis) => this.finder.shapeOf(matrix)[axis]);
    const whole = this.repeated(vector, inner);
    const row = this.once('Reshape', [whole, this.context.ints([1, -1])], [1, inner]);
    const product = this.once('Gemm', [row, matrix], [1, columns], { transB: axes.columns === 0 ? 1 : 0 });
    const flat = this.once('Reshape', [product, this.context.ints([-1])], [columns]);
    return this.once('Add', [bias, flat], [columns]);
  }

  /** A vector as often as it fits. */
  private repeated(vector: string, length: number): string {
    const count = length / this.lengthOf(vector);
    if (count === 1) return vector;
    return this.once('Concat', new Array<string>(count).fill(vector), [length], { axis: 0 });
  }

  private changeBias(sum: GraphNode, change: (bias: string) => string): void {
    const current = this.current(sum);
    this.replaced.set(sum, { ...current, inputs: [current.inputs[0], change(current.inputs[1])] });
  }

  private weightsOf(product: GraphNode): Weights | undefined {
    const known = this.weights.get(product);
    if (known) return known;
    const { inputs, attributes } = product;
    if (attributes.transA === 1 || this.finder.shapeOf(inputs[1]).length !== 2) return undefined;
    return { matrix: inputs[1], axes: attributes.transB === 1 ? TRANSPOSED : PLAIN };
  }

  private extentOf(product: GraphNode, along: 'inner' | 'columns'): number | undefined {
    const weights = this.weightsOf(product);
    return weights && this.finder.shapeOf(weights.matrix)[weights.axes[along]];
  }

  /** A node as soon as its inputs are known, unless there is one already. */
  private once(
    type: string,
    inputs: readonly string[],
    shape: readonly number[],
    attributes: GraphNode['attributes'] = {},
  ): string {
    const key = `${type} ${inputs}`;
    let output = this.known.get(key);
    if (output === undefined) {
      output = this.context.newValue(shape).name;
      this.known.set(key, output);
      const position = Math.max(...inputs.map((name) => this.positionOf(name)));
      const node = { name: `folded ${output}`, type, domain: '', inputs, outputs: [output], attributes };
      this.added.set(position, [...(this.added.get(position) ?? []), node]);
      this.addedAt.set(output, position);
    }
    return output;
  }

  private current(node: GraphNode): GraphNode {
    return this.replaced.get(node) ?? node;
  }

  private nameOf(name: string): string {
    const other = this.renamed.get(name);
    return other === undefined ? name : this.nameOf(other);
  }

  private isKnownBefore(name: string, node: GraphNode): boolean {
    return this.positionOf(name) < this.positionOf(node.outputs[0]);
  }

  /** Where a value is made; -1 for inputs and constants. */
  private positionOf(name: string): number {
    return this.positions.get(name) ?? this.addedAt.get(name) ?? -1;
  }

  private lengthOf(vector: string): number {
    return this.finder.shapeOf(vector)[0];
  }

  /**
   * Whether a node leaves every number on its channel: at a place of the last axis whose remainder, divided by the number of
   * channels, is the channel's. Patches of pixels as rows of a matrix have the channels several times.
   */
  private keeping(channels: number): (node: GraphNode) => boolean {
    return ({ type, inputs, outputs, attributes }) => {
      const [before, after] = [inputs[0], outputs[0]].map((name) => this.finder.shapeOf(name));
      const last = after.length - 1;
      if (!isMultiple(before[before.length - 1], channels) || !isMultiple(after[last], channels))
        return false;
      if (type === 'Transpose') return (attributes.perm as readonly number[])[last] === last;
      return type === 'Reshape' || (type === 'Slice' && before[last] === after[last]);
    };
  }
}

function isMultiple(length: number | undefined, part: number): boolean {
  return length !== undefined && length % part === 0;
}
