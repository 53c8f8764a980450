import type { PassContext } from './graph-pass.js';
import type { GraphNode } from './model-writer.js';
import { isMatrixProduct } from './pixelwise.js';

/** A product's columns are shared out among the threads by so many. */
const SHARED_COLUMNS = 16;

/**
 * Sums some products up in steps, so that an image's rows come out the same bit for bit however many rows there are: a product
 * with fewer rows than columns is shared out among the threads by columns, while the length of the partial sums depends on the columns
 * of a share if these are few (ONNX Runtime's matrix multiplication: MLAS, sgemm.cpp). Steps of the length for all columns do
 * not depend on shares.
 */
export function stepProducts(nodes: readonly GraphNode[], context: PassContext): GraphNode[] {
  const steps = new StepWriter(context);
  return nodes.flatMap((node) => steps.of(node));
}

class StepWriter {
  /** Slices by what they take. */
  private readonly known = new Map<string, string>();

  constructor(private readonly context: PassContext) {}

  /** The node, or those that take its place. */
  of(node: GraphNode): GraphNode[] {
    const shape = this.shapeOf(node.outputs[0]);
    if (!isMatrixProduct(node) || shape.length !== 2) return [node];
    const [rows, columns] = shape;
    const step = partialSumLength(columns);
    const inner = this.shapeOf(node.inputs[0])[1];
    if (rows === 1 || rows >= columns || inner <= step || !this.dependsOnShares(columns)) return [node];
    return this.stepped(node, inner, step);
  }

  private dependsOnShares(columns: number): boolean {
    const blocks = Math.ceil(columns / SHARED_COLUMNS);
    // The last share ends with the columns.
    const smallestShare = SHARED_COLUMNS * (Math.floor(blocks / this.context.threads) - 1) + 1;
    return partialSumLength(smallestShare) > partialSumLength(columns);
  }

  /** a b as a sum of products of `step` inner columns each. */
  private stepped(node: GraphNode, inner: number, step: number): GraphNode[] {
    const { inputs, outputs, attributes } = node;
    const { transB = 0 } = attributes;
    const nodes: GraphNode[] = [];
    let total: string[] = [];
    for (let start = 0; start < inner; start += step) {
      const end = Math.min(start + step, inner);
      const parts = [
        this.part(inputs[0], 1, start, end, nodes),
        this.part(inputs[1], transB === 1 ? 1 : 0, start, end, nodes),
      ];
      const result = end === inner ? outputs[0] : this.context.newValue(this.shapeOf(outputs[0])).name;
      nodes.push({
        ...node,
        name: `${node.name}.${start}`,
        type: 'Gemm',
        domain: '',
        inputs: [...parts, ...total],
        outputs: [result],
        attributes: { ...attributes, transA: 0, transB },
      });
      total = [result];
    }
    return nodes;
  }

  /** Columns (axis 1) or rows of a matrix, sliced once each. */
  private part(matrix: string, axis: number, start: number, end: number, nodes: GraphNode[]): string {
    const key = `${matrix} ${axis} ${start} ${end}`;
    let name = this.known.get(key);
    if (name === undefined) {
      const shape = this.shapeOf(matrix).map((extent, i) => (i === axis ? end - start : extent));
      name = this.context.newValue(shape).name;
      this.known.set(key, name);
      const inputs = [matrix, ...[start, end, axis].map((number) => this.context.ints([number]))];
      nodes.push({
        name: `${matrix}.${start}`,
        type: 'Slice',
        domain: '',
        inputs,
        outputs: [name],
        attributes: {},
      });
    }
    return name;
  }

  private shapeOf(name: string): readonly number[] {
    return this.context.values.get(name)!.shape;
  }
}

/** The terms that MLAS adds up before it rounds to memory, for a product of so many columns. */
function partialSumLength(columns: number): number {
  let [sharedColumns, length] = [128, 128];
  while (sharedColumns > 16 && sharedColumns / 2 >= columns) {
    length *= 2;
    sharedColumns /= 2;
  }
  return length;
}
