import { RevatError } from '@revat/core';
import type { ByteSource } from './byte-source.js';

/** Browsers have no paths: throws 'unavailable'. */
export async function openFile(file: string): Promise<ByteSource> {
  throw noFiles(file, 'Give a File, Blob, ArrayBuffer or URL instead of a path');
}

/** Browsers have no paths: throws 'unavailable'. */
export async function writeFileAtomically(
  file: string,
  _chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  throw noFiles(file, 'Use encodeSafetensors and offer the Blob for download');
}

/** Browsers have no paths: throws 'unavailable'. */
export async function listFolder(folder: string): Promise<string[] | undefined> {
  throw noFiles(folder, 'Give a File, Blob, ArrayBuffer or URL instead of a path');
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** CRC-32 as zip archives use it (polynomial 0x04C11DB7, reflected), continued from that of the bytes before. */
export function crc32(bytes: Uint8Array, before: number): number {
  let crc = ~before;
  for (let i = 0; i < bytes.length; i++) crc = CRC_TABLE[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

function noFiles(file: string, advice: string): RevatError {
  return new RevatError('unavailable', `${file}: there is no file system in a browser. ${advice}.`);
}
