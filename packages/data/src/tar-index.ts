/** The members of a POSIX tar file (ustar, with GNU and pax long names), without reading their contents. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

import { RevatError } from '@revat/core';

import { fileError } from './read-sample.js';

export interface TarMember {
  readonly name: string;
  /** First byte of the contents in the tar file. */
  readonly offset: number;
  readonly length: number;
}

const BLOCK = 512;
/** Headers are read through a window: shards hold many small members. */
const WINDOW = 1 << 18;
const REGULAR = new Set(['0', '\0', '7']);
const MAX_NAME_BYTES = 1 << 16;

/** The regular files in a tar file. Throws 'not-found' or 'io', or 'invalid-file' for a broken or truncated file. */
export function tarIndex(path: string): TarMember[] {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    throw fileError(path, cause);
  }
  try {
    return readMembers(new WindowedFile(file, path), path);
  } finally {
    closeSync(file);
  }
}

function readMembers(file: WindowedFile, path: string): TarMember[] {
  const members: TarMember[] = [];
  let longName: string | undefined;
  let position = 0;
  while (position + BLOCK <= file.size) {
    const header = file.read(position, BLOCK);
    if (header.every((byte) => byte === 0)) return members;
    checkHeader(header, path, position);
    const length = sizeField(header, path);
    const offset = position + BLOCK;
    if (offset + length > file.size)
      throw new RevatError(
        'invalid-file',
        `${path}: ends in the middle of "${nameField(header)}". The shard is truncated.`,
      );
    const type = String.fromCharCode(header[156]);
    if (type === 'L' || type === 'x') {
      if (length > MAX_NAME_BYTES)
        throw new RevatError('invalid-file', `${path}: a name of ${length} bytes at byte ${position}.`);
      const text = decodeText(file.read(offset, length));
      longName = type === 'L' ? text : paxPath(text);
    } else {
      if (REGULAR.has(type)) members.push({ name: longName ?? nameField(header), offset, length });
      longName = undefined;
    }
    position = offset + Math.ceil(length / BLOCK) * BLOCK;
  }
  return members;
}

/** The sum of the header's bytes, its own field counted as blanks, must be what the header says. */
function checkHeader(header: Uint8Array, path: string, position: number): void {
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
  if (sum === parseInt(decodeText(header.subarray(148, 156)), 8)) return;
  throw new RevatError(
    'invalid-file',
    `${path}: is no tar file, or broken at byte ${position} (wrong checksum).`,
  );
}

/** Octal text, or with the top bit set a binary number. */
function sizeField(header: Uint8Array, path: string): number {
  const field = header.subarray(124, 136);
  const size =
    field[0] & 0x80
      ? field.subarray(4).reduce((value, byte) => value * 256 + byte, 0)
      : parseInt(decodeText(field).trim() || '0', 8);
  if (Number.isSafeInteger(size)) return size;
  throw new RevatError('invalid-file', `${path}: a member has no valid size.`);
}

function nameField(header: Uint8Array): string {
  const name = decodeText(header.subarray(0, 100));
  const prefix =
    decodeText(header.subarray(257, 262)) === 'ustar' ? decodeText(header.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** The path record of a pax header: lines of "length path=value". */
function paxPath(text: string): string | undefined {
  return /^\d+ path=(.*)$/m.exec(text)?.[1];
}

/** UTF-8 up to the first zero byte. */
function decodeText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Reads ranges of a file through a window, so that neighbouring headers cost one read. */
class WindowedFile {
  readonly size: number;
  private window = new Uint8Array(0);
  private windowStart = 0;

  constructor(
    private readonly file: number,
    private readonly path: string,
  ) {
    this.size = fstatSync(file).size;
  }

  read(start: number, length: number): Uint8Array {
    const offset = start - this.windowStart;
    if (offset < 0 || offset + length > this.window.length) return this.refill(start, length);
    return this.window.subarray(offset, offset + length);
  }

  private refill(start: number, length: number): Uint8Array {
    const window = new Uint8Array(Math.min(Math.max(WINDOW, length), this.size - start));
    const count = readSync(this.file, window, 0, window.length, start);
    if (count < length)
      throw new RevatError('invalid-file', `${this.path}: ends before byte ${start + length}.`);
    this.window = window.subarray(0, count);
    this.windowStart = start;
    return this.window.subarray(0, length);
  }
}
