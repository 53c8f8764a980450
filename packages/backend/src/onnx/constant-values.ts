import type { NodeIndex } from './graph-pass.js';
import { sameShape } from './value.js';

/** Numbers of constants, and of what vectors and matrices are computed from them, when a graph is compiled. */
export class ConstantValues {
  constructor(private readonly index: NodeIndex) {}

  /** The numbers of a float32 value with the bits that ONNX Runtime would give; undefined unless they are known and easily computed. */
  of(name: string): Float32Array | undefined {
    const data = this.index.context.dataOf(name);
    if (data) return data instanceof Float32Array ? data : undefined;
    const node = this.index.producerOf(name);
    if (node?.type === 'Reshape') return this.of(node.inputs[0]);
    if (node?.type !== 'Mul' && node?.type !== 'Concat') return undefined;
    const shapes = node.inputs.map((input) => this.index.shapeOf(input));
    const parts = node.inputs.map((input) => this.of(input));
    if (!parts.every((part) => part !== undefined)) return undefined;
    if (node.type === 'Mul') return scaled(parts[0], shapes[0], parts[1], shapes[1]);
    return shapes.every(({ length }) => length === 1) ? joined(parts) : undefined;
  }
}

/** A vector or matrix times a scalar, a vector along its last axis, or a column. */
function scaled(
  data: Float32Array,
  shape: readonly number[],
  factors: Float32Array,
  factorShape: readonly number[],
): Float32Array | undefined {
  const [rows, columns] = shape.length === 2 ? shape : [1, data.length];
  const isColumn = shape.length === 2 && sameShape(factorShape, [rows, 1]);
  if (!isColumn && factors.length !== columns && factors.length !== 1) return undefined;
  const [down, across] = [isColumn ? 1 : 0, !isColumn && factors.length > 1 ? 1 : 0];
  const result = new Float32Array(data.length);
  for (let row = 0, i = 0; row < rows; row++)
    for (let column = 0; column < columns; column++, i++)
      result[i] = data[i] * factors[row * down + column * across];
  return result;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const result = new Float32Array(parts.reduce((total, { length }) => total + length, 0));
  let start = 0;
  for (const part of parts) {
    result.set(part, start);
    start += part.length;
  }
  return result;
}
