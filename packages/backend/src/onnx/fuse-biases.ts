import type { PassContext } from './graph-pass.js';
import type { GraphNode } from './model-writer.js';
import { soleProducer } from './sole-producer.js';

/**
 * Makes a vector that is added to a blocked convolution's result the convolution's third input, which saves a pass over
 * memory: Conv, ReorderOutput, Add become Conv, ReorderOutput, unless something else needs the result without the bias.
 */
export function fuseBiases(nodes: readonly GraphNode[], context: PassContext): GraphNode[] {
  const { values, kept } = context;
  const producerOf = soleProducer(nodes, kept);
  const replaced = new Map<GraphNode, GraphNode[]>();
  for (const sum of nodes) {
    if (sum.type !== 'Add') continue;
    const [term, bias] = sum.inputs;
    const reordered = producerOf(term, 'ReorderOutput');
    const convolution = reordered && producerOf(reordered.inputs[0], 'Conv');
    if (!convolution || convolution.inputs.length !== 2) continue;
    const biasShape = values.get(bias)!.shape;
    if (biasShape.length !== 1 || biasShape[0] !== reordered.attributes.channels) continue;
    const length = values.get(convolution.outputs[0])!.shape[1];
    const filled =
      length === biasShape[0] ? [] : [lengthened(bias, length, `${convolution.name}.bias`, context)];
    const vector = filled.length === 0 ? bias : filled[0].outputs[0];
    // At the place of the sum, where the bias is known.
    replaced.set(convolution, []);
    replaced.set(reordered, []);
    replaced.set(sum, [
      ...filled,
      { ...convolution, inputs: [...convolution.inputs, vector] },
      { ...reordered, outputs: sum.outputs },
    ]);
  }
  return nodes.flatMap((node) => replaced.get(node) ?? [node]);
}

/** The node that lengthens a vector with zeros. */
function lengthened(vector: string, length: number, name: string, context: PassContext): GraphNode {
  const missing = length - context.values.get(vector)!.shape[0];
  return {
    name,
    type: 'Pad',
    domain: '',
    inputs: [vector, context.ints([0, missing]), context.scalar(0)],
    outputs: [context.newValue([length]).name],
    attributes: {},
  };
}
