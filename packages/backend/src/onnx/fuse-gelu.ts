import { MICROSOFT_DOMAIN } from './model-writer.js';
import type { PassContext } from './graph-pass.js';
import type { GraphNode } from './model-writer.js';
import { soleProducer } from './sole-producer.js';

/**
 * x Phi(x) as ONNX Runtime's one operator, unless something else (the gradient) reads Phi(x), which then is computed once for
 * both. The bits are the same: 0.5 erf + 0.5 is half of 1 + erf, exactly, and so is the product's scale.
 */
export function fuseGelu(nodes: readonly GraphNode[], { kept }: Pick<PassContext, 'kept'>): GraphNode[] {
  const producerOf = soleProducer(nodes, kept);
  const fused = new Map<GraphNode, GraphNode>();
  const removed = new Set<GraphNode>();
  for (const product of nodes) {
    if (product.type !== 'Mul') continue;
    const [x, factor] = product.inputs;
    // Only the lowerings of Gelu make a HardSigmoid of an Erf.
    const cdf = producerOf(factor, 'HardSigmoid');
    const erf = cdf && producerOf(cdf.inputs[0], 'Erf');
    const scaled = erf && producerOf(erf.inputs[0], 'Mul');
    if (!cdf || !erf || scaled?.inputs[0] !== x) continue;
    fused.set(product, { ...product, type: 'Gelu', domain: MICROSOFT_DOMAIN, inputs: [x] });
    for (const node of [cdf, erf, scaled]) removed.add(node);
  }
  return nodes.filter((node) => !removed.has(node)).map((node) => fused.get(node) ?? node);
}
