/** Writes the safetensors format, tensor by tensor. https://github.com/huggingface/safetensors#format */
import { RevatError } from '@revat/core';
import { writeFileAtomically } from '#files';
import { bytesOf, bytesPerElement, elementCount, inferDType, type DType, type TensorData } from './dtype.js';
import { MAX_HEADER_BYTES } from './read-safetensors.js';

/** A tensor to write. Without `dtype` the array's own is taken; F16, BF16 and BOOL must be named. */
export interface WritableTensor {
  readonly dtype?: DType;
  readonly shape: readonly number[];
  /** The values, or a function that fetches them when their turn comes, so that they need not all be in memory. */
  readonly data: TensorData | (() => TensorData | Promise<TensorData>);
}

export type WritableTensors = ReadonlyMap<string, WritableTensor> | Readonly<Record<string, WritableTensor>>;

/**
 * Writes a safetensors file: to a temporary file in the same folder first, then renamed, so that `path` never holds
 * half a file. Tensors are streamed one by one. Wider element types come first, as the reference writer does, so that
 * all values are aligned; otherwise the order given is kept.
 *
 * @param metadata strings stored under `__metadata__`
 * @throws RevatError 'invalid-argument' for tensors that cannot be written, 'io', in browsers 'unavailable'
 */
export async function writeSafetensors(
  path: string,
  tensors: WritableTensors,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const plan = planFile(tensors, metadata, `writeSafetensors(${path})`);
  await writeFileAtomically(path, plan());
}

/** The same file as a Blob, for browsers. */
export async function encodeSafetensors(
  tensors: WritableTensors,
  metadata: Readonly<Record<string, string>> = {},
): Promise<Blob> {
  const parts: BlobPart[] = [];
  for await (const chunk of planFile(tensors, metadata, 'encodeSafetensors')()) {
    parts.push(chunk as Uint8Array<ArrayBuffer>);
  }
  return new Blob(parts, { type: 'application/octet-stream' });
}

/** Checks everything that can be checked before a byte is written, and returns the chunks of the file in order. */
function planFile(
  tensors: WritableTensors,
  metadata: Readonly<Record<string, string>>,
  where: string,
): () => AsyncGenerator<Uint8Array> {
  const given = isMap(tensors) ? [...tensors] : Object.entries(tensors);
  const plans = given.map(([name, tensor]) => planTensor(name, tensor, where));
  plans.sort((a, b) => bytesPerElement(b.dtype) - bytesPerElement(a.dtype));
  const header = encodeHeader(plans, metadata, where);
  return async function* () {
    yield header;
    for (const { data, bytes, label } of plans) {
      const values = typeof data === 'function' ? await data() : data;
      if (values.byteLength !== bytes) {
        throw new RevatError(
          'invalid-argument',
          `${label} holds ${values.byteLength} bytes, its shape wants ${bytes}.`,
        );
      }
      yield bytesOf(values);
    }
  };
}

function isMap(tensors: WritableTensors): tensors is ReadonlyMap<string, WritableTensor> {
  return tensors instanceof Map;
}

interface TensorPlan {
  readonly name: string;
  readonly label: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: number;
  readonly data: WritableTensor['data'];
}

function planTensor(name: string, { dtype, shape, data }: WritableTensor, where: string): TensorPlan {
  const label = `${where}: tensor ${JSON.stringify(name)}`;
  if (name === '__metadata__')
    throw new RevatError('invalid-argument', `${label}: the name is reserved. Choose another.`);
  const count = elementCount(shape);
  if (count === undefined)
    throw new RevatError('invalid-argument', `${label} has the impossible shape [${shape}].`);
  if (dtype === undefined && typeof data === 'function') {
    throw new RevatError(
      'invalid-argument',
      `${label} needs a dtype, because its data come from a function.`,
    );
  }
  const type = dtype ?? inferDType(data as TensorData, label);
  const bytes = count * bytesPerElement(type);
  if (typeof data !== 'function' && data.byteLength !== bytes) {
    throw new RevatError(
      'invalid-argument',
      `${label} of shape [${shape}] wants ${count} ${type} values, got ${data.length}.`,
    );
  }
  return { name, label, dtype: type, shape: [...shape], bytes, data };
}

/** Length prefix and header, padded with spaces so that the values start at a multiple of 8. */
function encodeHeader(
  plans: readonly TensorPlan[],
  metadata: Readonly<Record<string, string>>,
  where: string,
): Uint8Array {
  const fields: string[] = [];
  const strings = Object.entries(metadata);
  for (const [key, value] of strings) {
    if (typeof value !== 'string') {
      throw new RevatError(
        'invalid-argument',
        `${where}: metadata.${key} must be a string, got ${typeof value}.`,
      );
    }
  }
  if (strings.length > 0) fields.push(`"__metadata__":${JSON.stringify(Object.fromEntries(strings))}`);
  let position = 0;
  for (const { name, dtype, shape, bytes } of plans) {
    const entry = { dtype, shape, data_offsets: [position, position + bytes] };
    fields.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    position += bytes;
  }
  const json = new TextEncoder().encode(`{${fields.join(',')}}`);
  const length = Math.ceil(json.length / 8) * 8;
  if (length > MAX_HEADER_BYTES) {
    throw new RevatError(
      'invalid-argument',
      `${where}: the header would take ${length} bytes. Write fewer tensors.`,
    );
  }
  const encoded = new Uint8Array(8 + length).fill(0x20);
  new DataView(encoded.buffer).setBigUint64(0, BigInt(length), true);
  encoded.set(json, 8);
  return encoded;
}
