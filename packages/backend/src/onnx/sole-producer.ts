import type { GraphNode } from './model-writer.js';

/**
 * Finds the node that makes a value, if it has the given type and the value is read once only and is no result of the graph: then
 * another operator may take its place. `kept`: the graph's outputs.
 */
export function soleProducer(
  nodes: readonly GraphNode[],
  kept: ReadonlySet<string>,
): (name: string, type: string) => GraphNode | undefined {
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const uses = new Map<string, number>();
  for (const { inputs } of nodes) for (const name of inputs) uses.set(name, (uses.get(name) ?? 0) + 1);
  return (name, type) => {
    const node = producers.get(name);
    return node?.type === type && uses.get(name) === 1 && !kept.has(name) ? node : undefined;
  };
}
