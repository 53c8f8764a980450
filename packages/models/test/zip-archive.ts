import { crc32 } from 'node:zlib';

export type ZipRecords = ReadonlyArray<readonly [string, Uint8Array]>;

/** A zip archive of stored records with right checksums, so that changes inside records get past them. */
export function zip(records: ZipRecords): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let position = 0;
  for (const [name, content] of records) {
    const fields = Buffer.alloc(26);
    fields.writeUInt32LE(crc32(content), 10);
    fields.writeUInt32LE(content.length, 14);
    fields.writeUInt32LE(content.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const entry = Buffer.alloc(14);
    entry.writeUInt32LE(position, 10);
    parts.push(Buffer.from('PK\x03\x04'), fields, Buffer.from(name), Buffer.from(content));
    directory.push(Buffer.from('PK\x01\x02\x00\x00'), fields, entry, Buffer.from(name));
    position += 30 + name.length + content.length;
  }
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06');
  end.writeUInt16LE(records.length, 8);
  end.writeUInt16LE(records.length, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(position, 16);
  return Buffer.concat([...parts, ...directory, end]);
}

/** The same with all sizes and offsets in zip64 fields, as archives above 4 GB have them. */
export function zip64(records: ZipRecords): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let position = 0;
  for (const [name, content] of records) {
    const fields = Buffer.alloc(26);
    fields.writeUInt32LE(crc32(content), 10);
    fields.writeUInt32LE(0xffffffff, 14);
    fields.writeUInt32LE(0xffffffff, 18);
    fields.writeUInt16LE(name.length, 22);
    const sizes = field(BigInt(content.length), BigInt(content.length));
    const all = Buffer.concat([Buffer.from([0x99, 0x99, 2, 0, 1, 2]), field(...sizesAnd(content, position))]);
    const local = Buffer.from(fields);
    local.writeUInt16LE(sizes.length, 24);
    fields.writeUInt16LE(all.length, 24);
    const entry = Buffer.alloc(14);
    entry.writeUInt32LE(0xffffffff, 10);
    parts.push(Buffer.from('PK\x03\x04'), local, Buffer.from(name), sizes, Buffer.from(content));
    directory.push(Buffer.from('PK\x01\x02\x00\x00'), fields, entry, Buffer.from(name), all);
    position += 30 + name.length + sizes.length + content.length;
  }
  const length = Buffer.concat(directory).length;
  const end64 = Buffer.alloc(56);
  end64.write('PK\x06\x06');
  end64.writeBigUInt64LE(44n, 4);
  end64.writeBigUInt64LE(BigInt(records.length), 24);
  end64.writeBigUInt64LE(BigInt(records.length), 32);
  end64.writeBigUInt64LE(BigInt(length), 40);
  end64.writeBigUInt64LE(BigInt(position), 48);
  const locator = Buffer.alloc(20);
  locator.write('PK\x06\x07');
  locator.writeBigUInt64LE(BigInt(position + length), 8);
  const end = Buffer.alloc(22, 0xff);
  end.write('PK\x05\x06');
  end.writeUInt16LE(0, 20);
  return Buffer.concat([...parts, ...directory, end64, locator, end]);
}

function sizesAnd(content: Uint8Array, position: number): bigint[] {
  return [BigInt(content.length), BigInt(content.length), BigInt(position)];
}

function field(...values: bigint[]): Buffer {
  const bytes = Buffer.alloc(4 + 8 * values.length);
  bytes.writeUInt16LE(1, 0);
  bytes.writeUInt16LE(8 * values.length, 2);
  values.forEach((value, i) => bytes.writeBigUInt64LE(value, 4 + 8 * i));
  return bytes;
}

/** The content of each record of an archive, by its name without the first folder. */
export function unzip(archive: Uint8Array): Map<string, Uint8Array> {
  const file = Buffer.from(archive);
  const records = new Map<string, Uint8Array>();
  for (let at = file.indexOf('PK\x01\x02'); at >= 0; at = file.indexOf('PK\x01\x02', at + 1)) {
    const name = file.toString('latin1', at + 46, at + 46 + file.readUInt16LE(at + 28));
    const header = file.readUInt32LE(at + 42);
    const start = header + 30 + file.readUInt16LE(header + 26) + file.readUInt16LE(header + 28);
    records.set(name.replace(/^[^/]+\//, ''), archive.slice(start, start + file.readUInt32LE(at + 24)));
  }
  return records;
}
