import type { EngineArray, EngineDtype } from '../runtime/session-runtime.js';
import { chunkChannels } from './chunk-channels.js';
import { chunkImages } from './chunk-images.js';
import { chunkRows } from './chunk-rows.js';
import { foldGeluScale } from './fold-gelu-scale.js';
import { foldVectors } from './fold-vectors.js';
import { fuseBiases } from './fuse-biases.js';
import { fuseGelu } from './fuse-gelu.js';
import type { PassContext } from './graph-pass.js';
import { keepBlocked } from './keep-blocked.js';
import { isExternal, writeModel, type Attribute, type GraphNode, type Initializer } from './model-writer.js';
import { stepProducts } from './step-products.js';
import { arrayOf, bytesOf, sameShape, sizeOf, type Value, type ValueDtype } from './value.js';

export type Attributes = Readonly<Record<string, Attribute>>;

/** A graph as an ONNX model: its bytes, and the constants that stand beside these. */
export interface BuiltGraph {
  readonly bytes: Uint8Array;
  readonly constants: readonly Initializer[];
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

/** What a graph is built for. */
export interface GraphTarget {
  /** Channels in a block of the blocked operators, 0 where they must not be used. */
  readonly channelBlock: number;
  /** The threads that an operator may use, at most. */
  readonly threads: number;
}

const ANYWHERE: GraphTarget = { channelBlock: 0, threads: Infinity };

/** What happens to the nodes of a finished graph, in this order. */
const PASSES = [
  foldVectors,
  foldGeluScale,
  fuseGelu,
  fuseBiases,
  keepBlocked,
  stepProducts,
  chunkRows,
  chunkImages,
  chunkChannels,
];

/**
 * Builds one ONNX graph. Every value has a known, fixed shape. Equal nodes (same operator, inputs and attributes) are
 * built once, so lowerings may ask for the same intermediate as often as they like.
 */
export class GraphBuilder {
  private nodes: GraphNode[] = [];
  private readonly inputs: Value[] = [];
  private readonly outputs: Value[] = [];
  /** By name. */
  private readonly initializers = new Map<string, Initializer>();
  private readonly known = new Map<string, Value[]>();
  private readonly producers = new Map<Value, GraphNode & { readonly sources: readonly Value[] }>();
  /** By name. */
  private readonly values = new Map<string, Value>();
  /** Names the nodes built from now on, so that errors of the runtime can be traced to a kernel. */
  label = '';

  readonly channelBlock: number;
  readonly threads: number;

  constructor({ channelBlock, threads }: GraphTarget = ANYWHERE) {
    this.channelBlock = channelBlock;
    this.threads = threads;
  }

  get nodeCount(): number {
    return this.nodes.length;
  }

  input(dtype: EngineDtype, shape: readonly number[]): Value {
    const value = this.newValue(dtype, shape);
    this.inputs.push(value);
    return value;
  }

  /** A weight or table with values known when the graph is built; copied into the model. */
  initializer(dtype: ValueDtype, shape: readonly number[], data: EngineArray | BigInt64Array): Value {
    const value = this.newValue(dtype, shape);
    this.initializers.set(value.name, { value, data });
    return value;
  }

  scalar(number: number, dtype: EngineDtype = 'float32'): Value {
    const key = `scalar ${dtype} ${Object.is(number, -0) ? '-0' : number}`;
    return this.once(key, () => this.initializer(dtype, [], arrayOf(dtype, [number])));
  }

  ones(length: number): Value {
    return this.filled([length], 1);
  }

  /** A tensor of one number. */
  filled(shape: readonly number[], number: number): Value {
    return this.once(`filled ${shape} ${number}`, () =>
      this.initializer('float32', shape, new Float32Array(sizeOf(shape)).fill(number)),
    );
  }

  /** A vector of int64: shapes, axes, pads. */
  ints(numbers: readonly number[]): Value {
    return this.once(`ints ${numbers}`, () =>
      this.initializer('int64', [numbers.length], BigInt64Array.from(numbers, BigInt)),
    );
  }

  /** A node with one output. */
  op(
    type: string,
    inputs: readonly (Value | undefined)[],
    shape: readonly number[],
    {
      dtype,
      attributes = {},
      domain = '',
    }: { dtype?: ValueDtype; attributes?: Attributes; domain?: string } = {},
  ): Value {
    const outputs = [{ dtype: dtype ?? inputs[0]!.dtype, shape }];
    return this.node(type, inputs, outputs, attributes, domain)[0];
  }

  /** A node with any number of outputs. */
  node(
    type: string,
    inputs: readonly (Value | undefined)[],
    outputs: readonly { dtype: ValueDtype; shape: readonly number[] }[],
    attributes: Attributes = {},
    domain = '',
  ): Value[] {
    const inputNames = inputs.map((input) => input?.name ?? '');
    const key = `${domain}:${type}(${inputNames})${outputs.length}${attributesKey(attributes)}`;
    const existing = this.known.get(key);
    if (existing) return existing;
    const values = outputs.map(({ dtype, shape }) => this.newValue(dtype, shape));
    const node = {
      name: this.nodeName(),
      type,
      domain,
      inputs: inputNames,
      outputs: values.map(({ name }) => name),
      attributes,
    };
    this.nodes.push(node);
    const sources = inputs.filter((input) => input !== undefined);
    for (const value of values) this.producers.set(value, { ...node, sources });
    this.known.set(key, values);
    return values;
  }

  /** The inputs of the node that made `value`, if that node has the given type; lets layout changes cancel out. */
  sourcesOf(value: Value, type: string): readonly Value[] | undefined {
    const producer = this.producers.get(value);
    return producer?.type === type ? producer.sources : undefined;
  }

  attributeOf(value: Value, name: string): Attribute | undefined {
    return this.producers.get(value)?.attributes[name];
  }

  reshape(value: Value, shape: readonly number[]): Value {
    if (sameShape(value.shape, shape)) return value;
    const original = this.sourcesOf(value, 'Reshape')?.[0] ?? value;
    if (sameShape(original.shape, shape)) return original;
    return this.op('Reshape', [original, this.ints(shape)], shape);
  }

  transpose(value: Value, perm: readonly number[]): Value {
    const shape = perm.map((axis) => value.shape[axis]);
    const moved = perm.filter((axis) => value.shape[axis] !== 1);
    if (moved.every((axis, i) => i === 0 || moved[i - 1] < axis)) return this.reshape(value, shape);
    const inner = this.sourcesOf(value, 'Transpose')?.[0];
    if (inner) {
      const innerPerm = this.attributeOf(value, 'perm') as readonly number[];
      const composed = perm.map((axis) => innerPerm[axis]);
      if (composed.every((axis, i) => axis === i)) return inner;
      return this.op('Transpose', [inner], shape, { attributes: { perm: composed } });
    }
    return this.op('Transpose', [value], shape, { attributes: { perm } });
  }

  /** Marks a value as a result. Inputs, constants and values that already are one go through an Identity node. */
  output(value: Value): void {
    const produced = this.producers.has(value) && !this.outputs.includes(value);
    if (produced) {
      this.outputs.push(value);
      return;
    }
    const copy = this.newValue(value.dtype, value.shape);
    const names = { inputs: [value.name], outputs: [copy.name] };
    this.nodes.push({ name: this.nodeName(), type: 'Identity', domain: '', ...names, attributes: {} });
    this.outputs.push(copy);
  }

  build(): BuiltGraph {
    const context = this.passContext();
    for (const pass of PASSES) this.nodes = pass(this.nodes, context);
    const { nodes, inputs, outputs } = this;
    const initializers = this.readInitializers();
    const bytes = writeModel({ nodes, inputs, outputs, initializers });
    return { bytes, constants: initializers.filter(isExternal), inputs, outputs };
  }

  /**
   * An estimate of the memory that a run needs: constants, plus the largest sum of intermediate results that are alive at
   * once when the nodes run in order.
   */
  workingBytes(): number {
    const lastUse = new Map<string, number>();
    this.nodes.forEach(({ inputs }, i) => inputs.forEach((name) => lastUse.set(name, i)));
    const produced = new Set(this.nodes.flatMap(({ outputs }) => outputs));
    const size = (name: string) => (produced.has(name) ? bytesOf(this.values.get(name)!) : 0);
    const constants = this.readInitializers().reduce((total, { value }) => total + bytesOf(value), 0);
    let alive = 0;
    let peak = 0;
    this.nodes.forEach(({ inputs, outputs }, i) => {
      for (const name of outputs) alive += size(name);
      peak = Math.max(peak, alive);
      for (const name of new Set(inputs)) if (lastUse.get(name) === i) alive -= size(name);
    });
    return constants + peak;
  }

  /** Without those that passes made superfluous. */
  private readInitializers(): Initializer[] {
    const read = new Set(this.nodes.flatMap(({ inputs }) => inputs));
    return [...this.initializers.values()].filter(({ value }) => read.has(value.name));
  }

  private passContext(): PassContext {
    return {
      values: this.values,
      kept: new Set(this.outputs.map(({ name }) => name)),
      block: this.channelBlock,
      threads: this.threads,
      newValue: (shape, dtype = 'float32') => this.newValue(dtype, shape),
      scalar: (number) => this.scalar(number).name,
      ones: (length) => this.ones(length).name,
      constant: (shape, data) => this.initializer('float32', shape, data).name,
      dataOf: (name) => this.initializers.get(name)?.data,
      filled: (shape, number) => this.filled(shape, number).name,
      ints: (numbers) => this.ints(numbers).name,
    };
  }

  private once(key: string, make: () => Value): Value {
    let values = this.known.get(key);
    if (!values) this.known.set(key, (values = [make()]));
    return values[0];
  }

  private nodeName(): string {
    return `${this.label}.${this.nodes.length}`;
  }

  private newValue(dtype: ValueDtype, shape: readonly number[]): Value {
    const value = { name: `v${this.values.size}`, dtype, shape };
    this.values.set(value.name, value);
    return value;
  }
}

function attributesKey(attributes: Attributes): string {
  let key = '';
  for (const name in attributes) key += `;${name}=${attributes[name]}`;
  return key;
}
