const INITIAL_BYTES = 1024;

/** Wire types of the protocol buffer encoding. */
const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

const textEncoder = new TextEncoder();

/** Appends fields of one protocol buffer message to a growing byte buffer; nested messages are written by callback. */
export class ProtobufWriter {
  private buffer = new Uint8Array(INITIAL_BYTES);
  private view = new DataView(this.buffer.buffer);
  private length = 0;

  /** The bytes written so far; a view that the next write may invalidate. */
  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  /** A signed integer of at most 53 bits; negative ones take ten bytes, as int64 demands. */
  int(field: number, value: number): void {
    this.varint(field * 8 + VARINT);
    this.varint(value);
  }

  float(field: number, value: number): void {
    this.varint(field * 8 + FIXED32);
    this.reserve(4);
    this.view.setFloat32(this.length, value, true);
    this.length += 4;
  }

  string(field: number, text: string): void {
    this.bytesField(field, textEncoder.encode(text));
  }

  bytesField(field: number, data: Uint8Array): void {
    this.varint(field * 8 + LENGTH_DELIMITED);
    this.varint(data.length);
    this.reserve(data.length);
    this.buffer.set(data, this.length);
    this.length += data.length;
  }

  /** A packed repeated integer field. */
  packedInts(field: number, values: readonly number[]): void {
    this.message(field, (nested) => {
      for (const value of values) nested.varint(value);
    });
  }

  /** A nested message: written in place after room for its length, then closed up. */
  message(field: number, write: (nested: ProtobufWriter) => void): void {
    this.varint(field * 8 + LENGTH_DELIMITED);
    const start = this.length;
    write(this);
    const size = this.length - start;
    const prefix = varintLength(size);
    this.reserve(prefix);
    this.buffer.copyWithin(start + prefix, start, this.length);
    this.length = start;
    this.varint(size);
    this.length = start + prefix + size;
  }

  private varint(value: number): void {
    this.reserve(10);
    if (value < 0) {
      this.negativeVarint(BigInt.asUintN(64, BigInt(value)));
      return;
    }
    while (value >= 0x80) {
      this.buffer[this.length++] = (value % 0x80) | 0x80;
      value = Math.floor(value / 0x80);
    }
    this.buffer[this.length++] = value;
  }

  private negativeVarint(value: bigint): void {
    while (value >= 0x80n) {
      this.buffer[this.length++] = Number(value & 0x7fn) | 0x80;
      value >>= 7n;
    }
    this.buffer[this.length++] = Number(value);
  }

  private reserve(extra: number): void {
    const needed = this.length + extra;
    if (needed <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
    this.view = new DataView(grown.buffer);
  }
}

function varintLength(value: number): number {
  let length = 1;
  for (; value >= 0x80; value = Math.floor(value / 0x80)) length++;
  return length;
}
