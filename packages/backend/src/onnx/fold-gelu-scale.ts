import { MICROSOFT_DOMAIN } from './model-writer.js';
import type { PassContext } from './graph-pass.js';
import { FloatAttribute, type GraphNode } from './model-writer.js';
import { ProductFinder } from './product-finder.js';

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

const isPart = ({ type }: GraphNode) => type === 'Reshape' || type === 'Slice' || type === 'Transpose';

/** A Gelu's nodes: t = Mul(x, 1 / sqrt(2)), Erf, HardSigmoid, x Phi(x) = Mul(x, cdf). */
interface GeluNodes {
  readonly scaled: GraphNode;
  readonly product: GraphNode;
}

class ScaleFolder {
  private readonly finder: ProductFinder;
  private readonly factors = new Map<GraphNode, number>();
  private readonly biasFactors = new Map<GraphNode, number>();
  /** x is t from now on. */
  private readonly renamed = new Map<string, string>();
  private readonly removed = new Set<GraphNode>();

  constructor(
    private readonly nodes: readonly GraphNode[],
    private readonly context: PassContext,
  ) {
    this.finder = new ProductFinder(nodes, context);
  }

  fold(cdf: GraphNode): void {
    const gelu = this.geluOf(cdf);
    const origin = gelu && this.finder.originOf(gelu.scaled.inputs[0], isPart);
    const readers = gelu && this.finder.productsReading(gelu.product.outputs[0], isPart);
    if (!origin || !readers) return;
    scale(this.factors, origin.product, Math.SQRT1_2);
    for (const node of origin.sums) scale(this.biasFactors, node, Math.SQRT1_2);
    for (const { product } of readers) scale(this.factors, product, Math.SQRT2);
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
    const erf = this.finder.producerOf(cdf.inputs[0]);
    const scaled = erf?.type === 'Erf' ? this.finder.producerOf(erf.inputs[0]) : undefined;
    if (scaled?.type !== 'Mul') return undefined;
    const [x] = scaled.inputs;
    const others = this.finder.consumersOf(x).filter((node) => node !== scaled);
    const [product] = others;
    const isGelu = product?.type === 'Mul' && product.inputs[0] === x && product.inputs[1] === cdf.outputs[0];
    return others.length === 1 && isGelu && !this.context.kept.has(x) ? { scaled, product } : undefined;
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
}

function scale(factors: Map<GraphNode, number>, node: GraphNode, factor: number): void {
  factors.set(node, (factors.get(node) ?? 1) * factor);
}
