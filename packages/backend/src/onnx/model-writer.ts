import type { EngineArray } from '../runtime/session-runtime.js';
import { ProtobufWriter } from './protobuf-writer.js';
import type { Value, ValueDtype } from './value.js';

/** ONNX Runtime's own operators, e.g. FusedMatMul. */
export const MICROSOFT_DOMAIN = 'com.microsoft';
/** ONNX Runtime's operators on channel-blocked layouts (NCHWc). */
export const BLOCKED_DOMAIN = 'com.microsoft.nchwc';

/** Integers and lists of integers are written as ints; real numbers must be wrapped: `{ float: 0.5 }`. */
export type Attribute = number | string | readonly number[] | FloatAttribute;

/** A real-valued attribute; a bare number would be written as an integer. */
export class FloatAttribute {
  constructor(readonly value: number) {}

  toString(): string {
    return `float ${this.value}`;
  }
}

export interface GraphNode {
  readonly name: string;
  readonly type: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface Initializer {
  readonly value: Value;
  readonly data: EngineArray | BigInt64Array;
}

/** The parts of a model, in topological order. */
export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly initializers: readonly Initializer[];
}

/** Field numbers of onnx.proto3, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3 */
const MODEL = { irVersion: 1, producerName: 2, graph: 7, opsetImport: 8 } as const;
const OPSET = { domain: 1, version: 2 } as const;
const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12 } as const;
const NODE = { input: 1, output: 2, name: 3, opType: 4, attribute: 5, domain: 7 } as const;
const ATTRIBUTE = { name: 1, float: 2, int: 3, string: 4, ints: 8, type: 20 } as const;
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, ints: 7 } as const;
const TENSOR = { dims: 1, dataType: 2, name: 8, rawData: 9, externalData: 13, dataLocation: 14 } as const;
const ENTRY = { key: 1, value: 2 } as const;
const EXTERNAL = 1;
const VALUE_INFO = { name: 1, type: 2 } as const;
const TYPE = { tensor: 1 } as const;
const TENSOR_TYPE = { elementType: 1, shape: 2 } as const;
const SHAPE = { dimension: 1 } as const;
const DIMENSION = { value: 1 } as const;
const ELEMENT_TYPE: Record<ValueDtype, number> = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 };

const IR_VERSION = 9;
const OPSETS: readonly [domain: string, version: number][] = [
  ['', 20],
  [MICROSOFT_DOMAIN, 1],
  [BLOCKED_DOMAIN, 1],
];

/** Constants of at least so many bytes are not copied into the model but stand beside it, under the names of their values. */
const EXTERNAL_BYTES = 65536;

export function isExternal({ data }: Initializer): boolean {
  return data.byteLength >= EXTERNAL_BYTES;
}

/** Serialises a graph as an ONNX model, but for its external constants. */
export function writeModel(graph: Graph): Uint8Array {
  const model = new ProtobufWriter();
  model.int(MODEL.irVersion, IR_VERSION);
  model.string(MODEL.producerName, 'revat');
  model.message(MODEL.graph, (writer) => writeGraph(writer, graph));
  for (const [domain, version] of OPSETS) {
    model.message(MODEL.opsetImport, (opset) => {
      opset.string(OPSET.domain, domain);
      opset.int(OPSET.version, version);
    });
  }
  return model.bytes();
}

function writeGraph(writer: ProtobufWriter, { nodes, inputs, outputs, initializers }: Graph): void {
  writer.string(GRAPH.name, 'revat');
  for (const node of nodes) writer.message(GRAPH.node, (nested) => writeNode(nested, node));
  for (const initializer of initializers) {
    writer.message(GRAPH.initializer, (nested) => writeInitializer(nested, initializer));
  }
  for (const input of inputs) writer.message(GRAPH.input, (nested) => writeValueInfo(nested, input));
  for (const output of outputs) writer.message(GRAPH.output, (nested) => writeValueInfo(nested, output));
}

function writeNode(
  writer: ProtobufWriter,
  { name: nodeName, type, domain, inputs, outputs, attributes }: GraphNode,
): void {
  for (const name of inputs) writer.string(NODE.input, name);
  for (const name of outputs) writer.string(NODE.output, name);
  if (nodeName) writer.string(NODE.name, nodeName);
  writer.string(NODE.opType, type);
  for (const name in attributes) {
    writer.message(NODE.attribute, (nested) => writeAttribute(nested, name, attributes[name]));
  }
  if (domain) writer.string(NODE.domain, domain);
}

function writeAttribute(writer: ProtobufWriter, name: string, attribute: Attribute): void {
  writer.string(ATTRIBUTE.name, name);
  if (typeof attribute === 'number') {
    writer.int(ATTRIBUTE.int, attribute);
    writer.int(ATTRIBUTE.type, ATTRIBUTE_TYPE.int);
  } else if (typeof attribute === 'string') {
    writer.string(ATTRIBUTE.string, attribute);
    writer.int(ATTRIBUTE.type, ATTRIBUTE_TYPE.string);
  } else if (attribute instanceof FloatAttribute) {
    writer.float(ATTRIBUTE.float, attribute.value);
    writer.int(ATTRIBUTE.type, ATTRIBUTE_TYPE.float);
  } else {
    writer.packedInts(ATTRIBUTE.ints, attribute);
    writer.int(ATTRIBUTE.type, ATTRIBUTE_TYPE.ints);
  }
}

function writeInitializer(writer: ProtobufWriter, initializer: Initializer): void {
  const { value, data } = initializer;
  writer.packedInts(TENSOR.dims, value.shape);
  writer.int(TENSOR.dataType, ELEMENT_TYPE[value.dtype]);
  writer.string(TENSOR.name, value.name);
  if (isExternal(initializer)) {
    writeEntry(writer, 'location', value.name);
    writeEntry(writer, 'length', String(data.byteLength));
    writer.int(TENSOR.dataLocation, EXTERNAL);
    return;
  }
  writer.bytesField(TENSOR.rawData, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function writeEntry(writer: ProtobufWriter, key: string, value: string): void {
  writer.message(TENSOR.externalData, (entry) => {
    entry.string(ENTRY.key, key);
    entry.string(ENTRY.value, value);
  });
}

function writeValueInfo(writer: ProtobufWriter, { name, dtype, shape }: Value): void {
  writer.string(VALUE_INFO.name, name);
  writer.message(VALUE_INFO.type, (type) =>
    type.message(TYPE.tensor, (tensor) => {
      tensor.int(TENSOR_TYPE.elementType, ELEMENT_TYPE[dtype]);
      tensor.message(TENSOR_TYPE.shape, (dimensions) => {
        for (const size of shape) {
          dimensions.message(SHAPE.dimension, (dimension) => dimension.int(DIMENSION.value, size));
        }
      });
    }),
  );
}
