import type { Value } from '../src/onnx/value.js';
import type { PassContext } from '../src/onnx/graph-pass.js';
import type { Attribute, GraphNode } from '../src/onnx/model-writer.js';

type Pass = (nodes: readonly GraphNode[], context: PassContext) => GraphNode[];

interface GraphOfLines {
  /** Nodes such as "y = Gelu x"; several outputs are separated by spaces. */
  readonly lines: readonly string[];
  /** The graph's outputs. */
  readonly results: readonly string[];
  readonly shapeOf: (name: string) => readonly number[];
  /** The numbers of constants. */
  readonly dataOf?: PassContext['dataOf'];
  readonly attributesOf?: (node: { type: string; outputs: readonly string[] }) => Record<string, Attribute>;
  /** Domains of operators that are not ONNX's own. */
  readonly domains?: Readonly<Record<string, string>>;
}

/** The nodes that a pass makes of others. New values are called new0, new1 ..., constants by what they hold. */
export function afterPass(
  pass: Pass,
  { lines, results, shapeOf, dataOf, attributesOf, domains = {} }: GraphOfLines,
): { nodes: GraphNode[]; values: ReadonlyMap<string, Value>; constants: ReadonlyMap<string, Float32Array> } {
  const values = new Map<string, Value>();
  const add = (name: string, shape: readonly number[], dtype: Value['dtype'] = 'float32'): Value => {
    const value: Value = { name, dtype, shape };
    values.set(name, value);
    return value;
  };
  const nodes = lines.map((line): GraphNode => {
    const [left, call] = line.split(' = ');
    const outputs = left.split(' ');
    const [type, ...inputs] = call.split(' ');
    for (const name of [...outputs, ...inputs]) if (!values.has(name)) add(name, shapeOf(name));
    const attributes = attributesOf?.({ type, outputs }) ?? {};
    return { name: outputs[0], type, domain: domains[type] ?? '', inputs, outputs, attributes };
  });
  const constants = new Map<string, Float32Array>();
  let added = 0;
  const context: PassContext = {
    values,
    kept: new Set(results),
    block: 16,
    threads: 2,
    newValue: (shape, dtype) => add(`new${added++}`, shape, dtype),
    scalar: (number) => add(number.toFixed(3), []).name,
    ones: (length) => add(`ones${length}`, [length]).name,
    filled: (shape, number) => add(`[${shape}]of${number}`, shape).name,
    constant: (shape, data) => {
      const { name } = add(`constant${constants.size}`, shape);
      constants.set(name, data);
      return name;
    },
    dataOf: (name) => dataOf?.(name),
    ints: (numbers) => add(`[${numbers}]`, [numbers.length], 'int64').name,
  };
  return { nodes: pass(nodes, context), values, constants };
}

export function lineOf({ type, inputs, outputs }: GraphNode): string {
  return `${outputs.join(' ')} = ${type} ${inputs.join(' ')}`;
}
