/**
 * The safetensors format: 8 bytes little-endian header length, a JSON header {name: {dtype, shape, data_offsets}} and
 * the raw values. As the reference implementation, the reader insists that the values tile the rest of the file
 * without holes or overlaps. https://github.com/huggingface/safetensors#format
 */
import { RevatError } from '@revat/core';
import { readBytes, type ByteSource } from './byte-source.js';
import { bytesPerElement, elementCount, isDType, viewAs, type NamedTensor } from './dtype.js';
import { HeaderSyntaxError, parseHeader, type HeaderValue } from './header-json.js';
import type { RemoteOptions } from './remote-options.js';
import { openSource, type WeightSource } from './source.js';
import type { TensorFile, TensorInfo } from './tensor-file.js';

/** The reference implementation refuses longer headers too. */
export const MAX_HEADER_BYTES = 100_000_000;

interface Entry extends TensorInfo {
  readonly begin: number;
  readonly end: number;
}

/**
 * Reads a whole safetensors file. Each tensor's values are read straight into their own array.
 *
 * @param source a path (Node), URL, `hf:` name, ArrayBuffer, Uint8Array, Blob or ByteSource
 * @returns tensors in the order of the file's header, and its `__metadata__`
 * @throws RevatError 'not-found' | 'invalid-file' | 'io'
 */
export async function readSafetensors(
  source: WeightSource,
  options: RemoteOptions = {},
): Promise<{ tensors: Map<string, NamedTensor>; metadata: Record<string, string> }> {
  const file = await openSafetensors(await openSource(source, options));
  try {
    const tensors = new Map<string, NamedTensor>();
    for (const name of file.tensors.keys()) tensors.set(name, await file.read(name));
    return { tensors, metadata: { ...file.metadata } };
  } finally {
    await file.close();
  }
}

/** Opens a safetensors file: checks the whole header, reads no values. The file owns `source` from here on. */
export async function openSafetensors(source: ByteSource): Promise<TensorFile> {
  try {
    const { header, dataStart } = await readHeader(source);
    const metadata = readMetadata(header, source.name);
    const tensors = readEntries(header, source.name);
    checkTiling(tensors, source.size - dataStart, source.name);
    return {
      name: source.name,
      section: '',
      sections: [''],
      normalization: source.normalization,
      tensors,
      metadata,
      async read(name, reuse) {
        const entry = tensors.get(name);
        if (entry === undefined) {
          throw new RevatError('not-found', `${source.name}: holds no tensor named ${JSON.stringify(name)}.`);
        }
        const { dtype, shape, begin, end } = entry;
        const bytes = await readBytes(source, dataStart + begin, end - begin, reuse);
        return { dtype, shape, data: viewAs(dtype, bytes) };
      },
      async verify() {},
      close: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function readHeader(
  source: ByteSource,
): Promise<{ header: Map<string, HeaderValue>; dataStart: number }> {
  const { name, size } = source;
  if (size < 8) throw broken(name, `has ${size} bytes, too few for a safetensors file`);
  const prefix = await readBytes(source, 0, 8);
  const length = Number(new DataView(prefix.buffer).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES)
    throw broken(name, `declares a header of ${length} bytes, above the format's limit`);
  if (length > size - 8)
    throw broken(name, `declares a header of ${length} bytes but has only ${size} in all`);
  const header = parse(await readBytes(source, 8, length), name);
  if (!(header instanceof Map)) throw broken(name, 'has a header that is not a JSON object');
  return { header, dataStart: 8 + length };
}

function parse(bytes: Uint8Array, file: string): HeaderValue {
  try {
    return parseHeader(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    const why = cause instanceof HeaderSyntaxError ? cause.message : 'not UTF-8';
    throw broken(file, `has a malformed header: ${why}`, cause);
  }
}

function readMetadata(header: Map<string, HeaderValue>, file: string): Record<string, string> {
  const stored = header.get('__metadata__') ?? new Map<string, HeaderValue>();
  if (!(stored instanceof Map)) throw broken(file, 'has a __metadata__ that is not an object of strings');
  const strings: Array<[string, string]> = [];
  for (const [key, value] of stored) {
    if (typeof value !== 'string') throw broken(file, `has a __metadata__.${key} that is not a string`);
    strings.push([key, value]);
  }
  return Object.fromEntries(strings);
}

function readEntries(header: Map<string, HeaderValue>, file: string): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const [name, value] of header) {
    if (name !== '__metadata__')
      entries.set(name, readEntry(value, `${file}: tensor ${JSON.stringify(name)}`));
  }
  return entries;
}

function readEntry(value: HeaderValue, where: string): Entry {
  if (!(value instanceof Map)) throw broken(where, 'is described by something that is not an object');
  const dtype = value.get('dtype');
  if (!isDType(dtype)) throw broken(where, `has the unknown dtype ${JSON.stringify(dtype)}`);
  const shape = value.get('shape');
  const count = Array.isArray(shape) ? elementCount(shape) : undefined;
  if (count === undefined) throw broken(where, `has the impossible shape ${JSON.stringify(shape)}`);
  const sizes = shape as number[];
  const [begin, end, ...more] = wholeNumbers(value.get('data_offsets'), where);
  if (begin === undefined || end === undefined || more.length > 0 || end < begin) {
    throw broken(where, `has data_offsets ${begin} to ${end}, which are no byte range`);
  }
  if (end - begin !== count * bytesPerElement(dtype)) {
    throw broken(where, `has ${end - begin} bytes for ${count} ${dtype} values of shape [${sizes}]`);
  }
  return { dtype, shape: sizes, begin, end };
}

function wholeNumbers(value: HeaderValue | undefined, where: string): number[] {
  if (Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && Number(item) >= 0)) {
    return value as number[];
  }
  throw broken(where, 'has no data_offsets of two whole numbers >= 0');
}

function checkTiling(entries: ReadonlyMap<string, Entry>, dataBytes: number, file: string): void {
  const ordered = [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  for (const [name, { begin, end }] of ordered) {
    const tensor = `tensor ${JSON.stringify(name)}`;
    if (end > dataBytes) {
      throw broken(file, `is cut short: ${tensor} ends at byte ${end} of ${dataBytes} bytes of values`);
    }
    if (begin < position) throw broken(file, `${tensor} overlaps the one before it`);
    if (begin > position) throw broken(file, `has ${begin - position} unused bytes before ${tensor}`);
    position = end;
  }
  if (position !== dataBytes)
    throw broken(file, `has ${dataBytes - position} unused bytes after the last tensor`);
}

function broken(where: string, what: string, cause?: unknown): RevatError {
  const advice = 'The file is damaged or was not written by a safetensors writer; fetch or export it again';
  return new RevatError('invalid-file', `${where} ${what}. ${advice}.`, { cause });
}
