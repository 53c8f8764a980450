import { RevatError } from '@revat/core';
import type { ByteSource } from './byte-source.js';
import { openUrl } from './remote-browser.js';

/** In a browser a path is an address relative to the page. */
export async function openFile(file: string): Promise<ByteSource> {
  return openUrl(new URL(file, globalThis.location?.href ?? 'http://localhost/'), {});
}

/** Browsers have no paths: throws 'unavailable'. */
export async function writeFileAtomically(file: string): Promise<void> {
  throw new RevatError(
    'unavailable',
    `${file}: there is no file system in a browser. Use encodeSafetensors or encodeWeights and offer the Blob for download.`,
  );
}

/** In a browser no path is a folder. */
export async function listFolder(): Promise<string[] | undefined> {
  return undefined;
}

/** In a browser nothing is known of what lies beside a file. */
export async function preprocessingBeside(): Promise<undefined> {
  return undefined;
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
