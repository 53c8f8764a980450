import { NodeIndex } from './graph-pass.js';
import type { GraphNode } from './model-writer.js';

/** A value's place in a product: its first factor or its second. */
export interface Factor {
  readonly product: GraphNode;
  readonly position: number;
}

/** Finds the matrix products around a value. */
export class ProductFinder extends NodeIndex {
  /** Whether a node multiplies two matrices and adds nothing. */
  isProduct({ type, inputs, outputs }: GraphNode): boolean {
    if (type === 'Gemm' || type === 'FusedMatMul') return inputs.length === 2;
    return type === 'MatMul' && this.shapeOf(outputs[0]).length === 2;
  }

  /** The product, and the sums with a vector, that make a value and nothing else; `isPart`: what may stand in between. */
  originOf(
    name: string,
    isPart: (node: GraphNode) => boolean,
  ): { product: GraphNode; sums: GraphNode[] } | undefined {
    const sums: GraphNode[] = [];
    for (let current = name; ;) {
      const node = this.producerOf(current);
      if (!node || (current !== name && !this.isReadOnce(current))) return undefined;
      if (this.isProduct(node)) return { product: node, sums };
      if (node.type === 'Add' && this.shapeOf(node.inputs[1]).length === 1) sums.push(node);
      else if (!isPart(node)) return undefined;
      [current] = node.inputs;
    }
  }

  /**
   * The products that a value goes into, as a whole, in parts or in a stack of itself, one of them twice if it is multiplied with
   * itself; undefined if anything else reads it. `isPart`: what may stand in between.
   */
  productsReading(name: string, isPart: (node: GraphNode) => boolean): Factor[] | undefined {
    if (this.isResult(name)) return undefined;
    const found: Factor[] = [];
    for (const node of this.consumersOf(name)) {
      const { type, inputs, outputs } = node;
      const isStack = type === 'Concat' && inputs.every((input) => input === inputs[0]);
      const further = (isPart(node) || isStack) && this.productsReading(outputs[0], isPart);
      if (further) found.push(...further);
      else if (this.isProduct(node))
        inputs.forEach((input, position) => input === name && found.push({ product: node, position }));
      else return undefined;
    }
    return found;
  }
}
