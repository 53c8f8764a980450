import type { NodeWriter } from './node-writer.js';

/** Takes blocked weights, [C / block, K / block, block of K, block of C] under the name [C, K, 1, 1], apart; each part once. */
export class WeightParts {
  constructor(private readonly writer: NodeWriter) {}

  /** The weights of some outputs C. */
  outer(weights: string, start: number, length: number): string {
    return this.part('outer', weights, start, length, () => {
      const [, inner] = this.shapeOf(weights);
      const data = this.dataOf(weights);
      if (!data) return this.writer.slice(weights, 0, start, length);
      const part = data.slice(start * inner, (start + length) * inner);
      return this.writer.context.constant([length, inner, 1, 1], part);
    });
  }

  /** The weights of some inputs K. */
  inner(weights: string, start: number, length: number): string {
    return this.part('inner', weights, start, length, () => {
      const [outer, inner] = this.shapeOf(weights);
      const { block } = this.writer.context;
      const data = this.dataOf(weights);
      const shape = [outer, length, 1, 1];
      if (data)
        return this.writer.context.constant(
          shape,
          innerPart(data, inner * block, start * block, length * block),
        );
      const blocks = this.writer.reshape(weights, [outer / block, inner / block, block * block]);
      return this.writer.reshape(this.writer.slice(blocks, 1, start / block, length / block), shape);
    });
  }

  /** Some entries of a vector. */
  vector(name: string, start: number, length: number): string {
    return this.part('vector', name, start, length, () => this.writer.slice(name, 0, start, length));
  }

  private part(kind: string, name: string, start: number, length: number, make: () => string): string {
    if (this.shapeOf(name)[kind === 'inner' ? 1 : 0] === length) return name;
    return this.writer.once(`${kind} ${name} ${start} ${length}`, make);
  }

  private shapeOf(name: string): readonly number[] {
    return this.writer.context.values.get(name)!.shape;
  }

  private dataOf(name: string): Float32Array | undefined {
    const data = this.writer.context.dataOf(name);
    return data instanceof Float32Array ? data : undefined;
  }
}

/** Columns of a matrix. */
function innerPart(data: Float32Array, columns: number, start: number, length: number): Float32Array {
  const rows = data.length / columns;
  const part = new Float32Array(rows * length);
  for (let row = 0; row < rows; row++) {
    const first = row * columns + start;
    part.set(data.subarray(first, first + length), row * length);
  }
  return part;
}
