import { ConstantValues } from './constant-values.js';
import type { NodeIndex } from './graph-pass.js';
import { BLOCKED_DOMAIN, FloatAttribute, type GraphNode } from './model-writer.js';
import type { NodeWriter } from './node-writer.js';

/** Writes what turns the weights of matrix products into those of blocked convolutions of 1x1 pixels. */
export class BlockedWeights {
  private readonly constants: ConstantValues;
  private readonly block: number;

  constructor(
    private readonly writer: NodeWriter,
    private readonly index: NodeIndex,
  ) {
    this.constants = new ConstantValues(index);
    this.block = index.context.block;
  }

  /**
   * Weights [K, C], or [C, K] for a product with the transpose, times the product's factor, as
   * [C / block, K / block, block of K, block of C]; laid out when the graph is compiled if they are known then.
   */
  of({ inputs: [, matrix], attributes }: GraphNode): string {
    const isTransposed = attributes.transB === 1;
    const factor = attributes.alpha instanceof FloatAttribute ? attributes.alpha.value : 1;
    return this.writer.once(`weights ${matrix} ${isTransposed} ${factor}`, () => {
      const shape = this.index.shapeOf(matrix);
      const [outer, inner] = isTransposed ? shape : [shape[1], shape[0]];
      const numbers = this.constants.of(matrix);
      if (!numbers) return this.rearranged(this.scaled(matrix, factor), [outer, inner], isTransposed);
      const laidOut = isTransposed
        ? blockedColumns(numbers, inner, this.block, Math.fround(factor))
        : blockedRows(numbers, outer, this.block, Math.fround(factor));
      return this.writer.context.constant([outer, inner, 1, 1], laidOut);
    });
  }

  private scaled(matrix: string, factor: number): string {
    if (factor === 1) return matrix;
    return this.writer.op('Mul', [matrix, this.writer.context.scalar(factor)], this.index.shapeOf(matrix));
  }

  /** Rows are seen as pixels whose channels are the columns, or columns as the pixels of planes, one a row. */
  private rearranged(
    matrix: string,
    [outer, inner]: readonly [number, number],
    isTransposed: boolean,
  ): string {
    const image = this.writer.reshape(matrix, isTransposed ? [1, outer, inner, 1] : [1, inner, 1, outer]);
    const options = { attributes: { channels_last: isTransposed ? 0 : 1 }, domain: BLOCKED_DOMAIN };
    const blocked = this.writer.op('ReorderInput', [image], [1, outer, inner, 1], options);
    return this.writer.reshape(blocked, [outer, inner, 1, 1]);
  }
}

/** [K, C] -> [C / block, K, block] */
function blockedRows(numbers: Float32Array, columns: number, block: number, factor: number): Float32Array {
  const rows = numbers.length / columns;
  const result = new Float32Array(numbers.length);
  for (let column = 0, i = 0; column < columns; column += block)
    for (let row = 0; row < rows; row++)
      for (let lane = 0, from = row * columns + column; lane < block; lane++)
        result[i++] = numbers[from + lane] * factor;
  return result;
}

/** [C, K] -> [C / block, K, block] */
function blockedColumns(numbers: Float32Array, columns: number, block: number, factor: number): Float32Array {
  const rows = numbers.length / columns;
  const result = new Float32Array(numbers.length);
  for (let row = 0, i = 0; row < rows; row += block)
    for (let column = 0; column < columns; column++)
      for (let lane = 0, from = row * columns + column; lane < block; lane++, from += columns)
        result[i++] = numbers[from] * factor;
  return result;
}
