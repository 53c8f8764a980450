import type { PassContext } from './graph-pass.js';
import type { GraphNode } from './model-writer.js';
import { sameShape, type ValueDtype } from './value.js';

interface NodeOptions extends Partial<Pick<GraphNode, 'attributes' | 'domain'>> {
  readonly dtype?: ValueDtype;
  /** The name of the result; a new one if left out. */
  readonly output?: string;
}

/** Collects the nodes that a pass writes. */
export class NodeWriter {
  readonly nodes: GraphNode[] = [];
  private readonly known = new Map<string, string>();
  private label = '';
  private count = 0;

  constructor(readonly context: PassContext) {}

  /** The node whose name the nodes written from now on bear. */
  beginFor({ name }: GraphNode): void {
    this.label = name;
    this.count = 0;
  }

  /** Writes a node with one output and returns the name of that. */
  op(type: string, inputs: readonly string[], shape: readonly number[], options: NodeOptions = {}): string {
    const { attributes = {}, domain = '', dtype, output } = options;
    const name = output ?? this.context.newValue(shape, dtype).name;
    const label = `${this.label}.${this.count++}`;
    this.nodes.push({ name: label, type, domain, inputs, outputs: [name], attributes });
    return name;
  }

  reshape(name: string, shape: readonly number[]): string {
    if (sameShape(this.context.values.get(name)!.shape, shape)) return name;
    return this.op('Reshape', [name, this.context.ints(shape)], shape);
  }

  /** So many entries along an axis. */
  slice(name: string, axis: number, start: number, length: number): string {
    const shape = this.context.values.get(name)!.shape;
    const bounds = [start, start + length, axis].map((number) => this.context.ints([number]));
    return this.op('Slice', [name, ...bounds], shape.with(axis, length));
  }

  /** What `make` writes, the first time. */
  once(key: string, make: () => string): string {
    let name = this.known.get(key);
    if (name === undefined) this.known.set(key, (name = make()));
    return name;
  }
}
