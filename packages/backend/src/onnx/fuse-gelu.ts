import { MICROSOFT_DOMAIN } from './graph-builder.js';
import type { GraphNode } from './model-writer.js';

/**
 * x Phi(x) as ONNX Runtime's one operator, unless something else (the gradient) reads Phi(x), which then is computed once for
 * both. The bits are the same: 0.5 erf + 0.5 is half of 1 + erf, exactly, and so is the product's scale.
 *
 * `kept`: the graph's outputs.
 */
export function fuseGelu(nodes: readonly GraphNode[], kept: ReadonlySet<string>): GraphNode[] {
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const uses = new Map<string, number>();
  for (const { inputs } of nodes) for (const name of inputs) uses.set(name, (uses.get(name) ?? 0) + 1);
  const producerOfOne = (name: string, type: string) => {
    const node = producers.get(name);
    return node?.type === type && uses.get(name) === 1 && !kept.has(name) ? node : undefined;
  };
  const fused = new Map<GraphNode, GraphNode>();
  const removed = new Set<GraphNode>();
  for (const product of nodes) {
    if (product.type !== 'Mul') continue;
    const [x, factor] = product.inputs;
    // Only the lowerings of Gelu make a HardSigmoid of an Erf.
    const cdf = producerOfOne(factor, 'HardSigmoid');
    const erf = cdf && producerOfOne(cdf.inputs[0], 'Erf');
    const scaled = erf && producerOfOne(erf.inputs[0], 'Mul');
    if (!cdf || !erf || scaled?.inputs[0] !== x) continue;
    fused.set(product, { ...product, type: 'Gelu', domain: MICROSOFT_DOMAIN, inputs: [x] });
    for (const node of [cdf, erf, scaled]) removed.add(node);
  }
  return nodes.filter((node) => !removed.has(node)).map((node) => fused.get(node) ?? node);
}
