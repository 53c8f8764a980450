import { MICROSOFT_DOMAIN } from './graph-builder.js';
import { consumersByName, producersByName, type PassContext } from './graph-pass.js';
import { FloatAttribute, type GraphNode } from './model-writer.js';

/**
 * Gelu between matrix products, as in every MLP: t = x / sqrt(2), which erf needs, comes out of the product before it, and
 * x Phi(x) = sqrt(2) t Phi(x) is left to the products after it, whose factor (`alpha`) costs nothing. Only t is
 * in memory then, not x beside it: one pass less, and the other passes read from a nearer cache.
 *
 * A model's results are the same bits with a gradient and without, as both have these nodes.
 */
export function foldGeluScale(nodes: readonly GraphNode[], context: PassContext): GraphNode[] {
  if (context.block === 0) return [...nodes];
  const folder = new ScaleFolder(nodes, context);
  for (const node of nodes) if (node.type === 'HardSigmoid') folder.fold(node);
  return folder.result();
}

/** A Gelu's nodes: t = Mul(x, 1 / sqrt(2)), Erf, HardSigmoid, x Phi(x) = Mul(x, cdf). */
interface GeluNodes {
  readonly scaled: GraphNode;
  readonly product: GraphNode;
}

/** The nodes between which a factor travels: products that take it up, sums whose other term must have it, too. */
interface Origin {
  readonly products: readonly GraphNode[];
  readonly sums: readonly GraphNode[];
}

class ScaleFolder {
  private readonly producers: ReadonlyMap<string, GraphNode>;
  private readonly consumers: ReadonlyMap<string, readonly GraphNode[]>;
  private readonly factors = new Map<GraphNode, number>();
  private readonly biasFactors = new Map<GraphNode, number>();
  /** x is t from now on. */
  private readonly renamed = new Map<string, string>();
  private readonly removed = new Set<GraphNode>();

  constructor(
    private readonly nodes: readonly GraphNode[],
    private readonly context: PassContext,
  ) {
    this.producers = producersByName(nodes);
    this.consumers = consumersByName(nodes);
  }

  fold(cdf: GraphNode): void {
    const gelu = this.geluOf(cdf);
    const origin = gelu && this.originOf(gelu.scaled.inputs[0]);
    const readers = gelu && this.productsReading(gelu.product.outputs[0]);
    if (!origin || !readers) return;
    for (const node of origin.products) scale(this.factors, node, Math.SQRT1_2);
    for (const node of origin.sums) scale(this.biasFactors, node, Math.SQRT1_2);
    for (const node of readers) scale(this.factors, node, Math.SQRT2);
    this.renamed.set(gelu.scaled.inputs[0], gelu.scaled.outputs[0]);
    this.removed.add(gelu.scaled);
  }

  result(): GraphNode[] {
    const nameOf = (name: string) => this.renamed.get(name) ?? name;
    return this.nodes.flatMap((node) => {
      if (this.removed.has(node)) return [];
      const renamed = { ...node, inputs: node.inputs.map(nameOf), outputs: node.outputs.map(nameOf) };
      if (this.factors.has(node)) return [this.withFactor(renamed, this.factors.get(node)!)];
      if (this.biasFactors.has(node)) return this.withScaledBias(renamed, this.biasFactors.get(node)!);
      return [renamed];
    });
  }

  /** Only the lowerings of Gelu make a HardSigmoid of an Erf. */
  private geluOf(cdf: GraphNode): GeluNodes | undefined {
    const erf = this.producers.get(cdf.inputs[0]);
    const scaled = erf?.type === 'Erf' ? this.producers.get(erf.inputs[0]) : undefined;
    if (scaled?.type !== 'Mul') return undefined;
    const [x] = scaled.inputs;
    const others = this.consumersOf(x).filter((node) => node !== scaled);
    const [product] = others;
    const isGelu = product?.type === 'Mul' && product.inputs[0] === x && product.inputs[1] === cdf.outputs[0];
    return others.length === 1 && isGelu && !this.context.kept.has(x) ? { scaled, product } : undefined;
  }

  /** The products, and the sums with a bias, that make x and nothing else. */
  private originOf(x: string): Origin | undefined {
    const products: GraphNode[] = [];
    const sums: GraphNode[] = [];
    let name = x;
    for (;;) {
      const node = this.producers.get(name);
      if (!node || (name !== x && !this.isReadOnce(name))) return undefined;
      if (node.type === 'Add' && this.isVector(node.inputs[1])) sums.push(node);
      else if (this.isProduct(node)) products.push(node);
      else if (node.type !== 'Reshape' && node.type !== 'Slice') return undefined;
      // A product that adds to a third matrix: that one is a part of the sum.
      if (this.isProduct(node) && node.inputs.length < 3) return { products, sums };
      name = node.inputs[this.isProduct(node) ? 2 : 0];
    }
  }

  /** The products that a value goes into, as a whole or in parts, one of them twice if it is multiplied with itself. */
  private productsReading(name: string): GraphNode[] | undefined {
    if (this.context.kept.has(name)) return undefined;
    const found: GraphNode[] = [];
    for (const node of this.consumersOf(name)) {
      const { type, inputs, outputs } = node;
      const isPart = ['Reshape', 'Slice', 'Transpose'].includes(type) || isStack(node);
      const further = isPart && this.productsReading(outputs[0]);
      if (further) found.push(...further);
      else if (this.isProduct(node) && inputs[2] !== name)
        found.push(...inputs.filter((input) => input === name).map(() => node));
      else return undefined;
    }
    return found;
  }

  private withFactor(node: GraphNode, factor: number): GraphNode {
    const alpha = (node.attributes.alpha as FloatAttribute | undefined)?.value ?? 1;
    const attributes = { ...node.attributes, alpha: new FloatAttribute(alpha * factor) };
    if (node.type !== 'MatMul') return { ...node, attributes };
    return { ...node, type: 'FusedMatMul', domain: MICROSOFT_DOMAIN, attributes };
  }

  private withScaledBias(sum: GraphNode, factor: number): GraphNode[] {
    const [term, bias] = sum.inputs;
    const scaled = this.context.newValue(this.context.values.get(bias)!.shape);
    const name = `${sum.name}.scaled`;
    const inputs = [bias, this.context.scalar(factor)];
    return [
      { name, type: 'Mul', domain: '', inputs, outputs: [scaled.name], attributes: {} },
      { ...sum, inputs: [term, scaled.name] },
    ];
  }

  private isProduct({ type, outputs }: GraphNode): boolean {
    if (type === 'Gemm' || type === 'FusedMatMul') return true;
    return type === 'MatMul' && this.context.values.get(outputs[0])!.shape.length === 2;
  }

  private isVector(name: string): boolean {
    return this.context.values.get(name)!.shape.length === 1;
  }

  private isReadOnce(name: string): boolean {
    return this.consumersOf(name).length === 1 && !this.context.kept.has(name);
  }

  private consumersOf(name: string): readonly GraphNode[] {
    return this.consumers.get(name) ?? [];
  }
}

/** The same rows several times, as a product of a single row is computed. */
function isStack({ type, inputs }: GraphNode): boolean {
  return type === 'Concat' && inputs.every((name) => name === inputs[0]);
}

function scale(factors: Map<GraphNode, number>, node: GraphNode, factor: number): void {
  factors.set(node, (factors.get(node) ?? 1) * factor);
}
