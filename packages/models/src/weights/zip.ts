/**
 * Reads zip archives, as torch.save writes them, by random access: the central directory is checked whole when the
 * archive is opened, records are read when asked for, and each is compared with its CRC-32. Names are only ever keys;
 * nothing is unpacked to disk. Layout: PKWARE APPNOTE 4.3, with zip64.
 */
import { RevatError } from '@revat/core';
import { crc32 } from '#files';
import { readBytes, ReusableBuffer, type ByteSource } from './byte-source.js';

interface ZipRecord {
  readonly method: number;
  readonly crc: number;
  readonly storedSize: number;
  /** Bytes after decompression. */
  readonly size: number;
  readonly localHeader: number;
}

export interface ZipArchive {
  readonly records: ReadonlyMap<string, { readonly size: number }>;
  /** The record's content; throws 'invalid-file' where it is missing, damaged or not `expectedSize` bytes long. */
  read(name: string, expectedSize?: number, reuse?: ReusableBuffer): Promise<Uint8Array>;
  /** Reads the record once in small pieces, to compare it with its CRC-32; a later `read` need not. */
  verify(name: string, expectedSize: number): Promise<void>;
}

const END_OF_DIRECTORY = 0x06054b50;
const ZIP64_LOCATOR = 0x07064b50;
const ZIP64_END = 0x06064b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_HEADER = 0x04034b50;
const ZIP64_FIELD = 0x0001;

const STORED = 0;
const DEFLATED = 8;
/** Deflate cannot shrink data further than about 1032 to 1. */
const MAX_DEFLATE_RATIO = 1032;
const PIECE = 2 ** 20;

/** Reads and checks the directory of an archive. Throws 'invalid-file'. */
export async function openZip(source: ByteSource): Promise<ZipArchive> {
  const directory = await findDirectory(source);
  const records = await readDirectory(source, directory);
  refuseOverlaps(records, directory.offset, source.name);
  const verified = new Set<ZipRecord>();
  const piece = new ReusableBuffer();
  const find = (name: string, expectedSize: number | undefined): { record: ZipRecord; where: string } => {
    const record = records.get(name);
    if (record === undefined) throw broken(source.name, `lacks its record ${JSON.stringify(name)}`);
    const where = `${source.name}: record ${JSON.stringify(name)}`;
    if (expectedSize !== undefined && record.size !== expectedSize) {
      throw broken(where, `has ${record.size} bytes where ${expectedSize} are declared`);
    }
    return { record, where };
  };
  const check = (crc: number, record: ZipRecord, where: string): void => {
    if (crc !== record.crc) throw broken(where, 'does not match its checksum (CRC-32)');
    verified.add(record);
  };
  return {
    records,
    async read(name, expectedSize, reuse) {
      const { record, where } = find(name, expectedSize);
      const content = await readRecord(source, record, where, reuse);
      if (!verified.has(record)) check(crc32(content, 0), record, where);
      return content;
    },
    async verify(name, expectedSize) {
      const { record, where } = find(name, expectedSize);
      if (verified.has(record)) return;
      if (record.method === STORED) check(await storedCrc(source, record, where, piece), record, where);
      else check(crc32(await readRecord(source, record, where), 0), record, where);
    },
  };
}

interface Directory {
  readonly offset: number;
  readonly length: number;
  readonly count: number;
}

/** The end record lies in the last 22 bytes, or before a comment of up to 65,535 bytes. */
async function findDirectory(source: ByteSource): Promise<Directory> {
  const tailLength = Math.min(source.size, 22 + 0xffff);
  const tailStart = source.size - tailLength;
  const tail = viewOf(await readBytes(source, tailStart, tailLength));
  for (let at = tailLength - 22; at >= 0; at--) {
    if (tail.getUint32(at, true) !== END_OF_DIRECTORY || at + 22 + tail.getUint16(at + 20, true) > tailLength)
      continue;
    const directory = {
      count: tail.getUint16(at + 10, true),
      length: tail.getUint32(at + 12, true),
      offset: tail.getUint32(at + 16, true),
    };
    const zip64 = at >= 20 && tail.getUint32(at - 20, true) === ZIP64_LOCATOR;
    const found = zip64 ? await readZip64End(source, tail.getBigUint64(at - 12, true)) : directory;
    if (found.offset + found.length > tailStart + at)
      throw broken(source.name, 'has a zip directory outside the file');
    return found;
  }
  throw broken(source.name, 'is a zip archive without its directory: it was cut short');
}

async function readZip64End(source: ByteSource, offset: bigint): Promise<Directory> {
  const record = viewOf(await readBytes(source, Number(offset), 56));
  if (record.getUint32(0, true) !== ZIP64_END) throw broken(source.name, 'has a damaged zip64 directory');
  return {
    count: Number(record.getBigUint64(32, true)),
    length: Number(record.getBigUint64(40, true)),
    offset: Number(record.getBigUint64(48, true)),
  };
}

async function readDirectory(
  source: ByteSource,
  { offset, length, count }: Directory,
): Promise<Map<string, ZipRecord>> {
  const bytes = await readBytes(source, offset, length);
  const view = viewOf(bytes);
  const records = new Map<string, ZipRecord>();
  let at = 0;
  while (at + 46 <= length && view.getUint32(at, true) === DIRECTORY_ENTRY) {
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const end = at + 46 + nameLength + extraLength + view.getUint16(at + 32, true);
    if (end > length) break;
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    const extra = viewOf(bytes.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength));
    if (records.has(name)) throw broken(source.name, `has the record ${JSON.stringify(name)} twice`);
    records.set(name, readEntry(view, at, extra, `${source.name}: record ${JSON.stringify(name)}`));
    at = end;
  }
  if (records.size !== count) {
    throw broken(source.name, `has ${records.size} zip records where its directory claims ${count}`);
  }
  return records;
}

function readEntry(view: DataView, at: number, extra: DataView, where: string): ZipRecord {
  if (view.getUint16(at + 8, true) & 1) throw broken(where, 'is encrypted');
  const sizes = [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)];
  const [size, storedSize, localHeader] = applyZip64(sizes, extra, where);
  const method = view.getUint16(at + 10, true);
  if (method !== STORED && method !== DEFLATED)
    throw broken(where, `is compressed by the unsupported method ${method}`);
  if (method === STORED && size !== storedSize) {
    throw broken(where, `claims ${size} bytes but holds ${storedSize}`);
  }
  if (method === DEFLATED && size > storedSize * MAX_DEFLATE_RATIO + 64) {
    throw broken(where, `claims to unpack ${storedSize} bytes to ${size}, which deflate cannot do`);
  }
  return { method, crc: view.getUint32(at + 16, true), storedSize, size, localHeader };
}

/** Sizes that read 0xffffffff stand in the zip64 extra field instead, in this order. */
function applyZip64(sizes: readonly number[], extra: DataView, where: string): number[] {
  let at = 0;
  while (at + 4 <= extra.byteLength && extra.getUint16(at, true) !== ZIP64_FIELD)
    at += 4 + extra.getUint16(at + 2, true);
  at += 4;
  return sizes.map((size) => {
    if (size !== 0xffffffff) return size;
    if (at + 8 > extra.byteLength) throw broken(where, 'lacks its zip64 sizes');
    at += 8;
    return Number(extra.getBigUint64(at - 8, true));
  });
}

/** Records that share bytes would let a small file unpack to any amount. */
function refuseOverlaps(records: ReadonlyMap<string, ZipRecord>, directory: number, file: string): void {
  const ordered = [...records].sort(([, a], [, b]) => a.localHeader - b.localHeader);
  let position = 0;
  for (const [name, { localHeader, storedSize }] of ordered) {
    if (localHeader < position)
      throw broken(file, `record ${JSON.stringify(name)} overlaps the one before it`);
    position = localHeader + 30 + storedSize;
    if (position > directory)
      throw broken(file, `record ${JSON.stringify(name)} extends past the end of the file`);
  }
}

/** CRC-32 of a stored record, through one small buffer. */
async function storedCrc(
  source: ByteSource,
  record: ZipRecord,
  where: string,
  buffer: ReusableBuffer,
): Promise<number> {
  const start = await contentStart(source, record, where);
  let crc = 0;
  for (let at = 0; at < record.storedSize; at += PIECE) {
    const piece = buffer.take(Math.min(PIECE, record.storedSize - at));
    await source.readInto(piece, start + at);
    crc = crc32(piece, crc);
  }
  return crc;
}

async function readRecord(
  source: ByteSource,
  record: ZipRecord,
  where: string,
  reuse?: ReusableBuffer,
): Promise<Uint8Array> {
  const stored = await readBytes(source, await contentStart(source, record, where), record.storedSize, reuse);
  return record.method === STORED ? stored : inflate(stored, record.size, where);
}

/** The local header repeats the name and has an extra field of its own, by which torch aligns the values. */
async function contentStart(source: ByteSource, record: ZipRecord, where: string): Promise<number> {
  const header = viewOf(await readBytes(source, record.localHeader, 30));
  if (header.getUint32(0, true) !== LOCAL_HEADER) throw broken(where, 'has a damaged header');
  return record.localHeader + 30 + header.getUint16(26, true) + header.getUint16(28, true);
}

async function inflate(stored: Uint8Array, size: number, where: string): Promise<Uint8Array> {
  const packed = new Blob([stored as Uint8Array<ArrayBuffer>]).stream();
  const reader = packed.pipeThrough(new DecompressionStream('deflate-raw')).getReader();
  const content: Uint8Array[] = [];
  let length = 0;
  try {
    for (let part = await reader.read(); !part.done && length <= size; part = await reader.read()) {
      length += part.value.byteLength;
      content.push(part.value);
    }
    if (length > size) await reader.cancel();
  } catch (cause) {
    throw broken(where, 'holds damaged compressed data', cause);
  }
  if (length !== size) throw broken(where, `does not unpack to the ${size} bytes it claims`);
  return concatenate(content, size);
}

function concatenate(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function broken(where: string, what: string, cause?: unknown): RevatError {
  return new RevatError('invalid-file', `${where} ${what}. The file is damaged; fetch or save it again.`, {
    cause,
  });
}
