import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

import { RevatError } from '@revat/core';

import { decodeImage, type DecodeOptions } from './decode-image.js';
import type { ImageSample, SampleLocation } from './image-dataset.js';

/** Side of the images that are stored as planes. */
const PLANE_SIDE = 32;

/** Largest file that is read as one image. */
const MAX_FILE_BYTES = 1 << 30;

/**
 * Reads and decodes the sample at a location. Rejects with 'not-found', 'io' or 'invalid-file', naming the file.
 * Options are those of `decodeImage`. Reading is synchronous: the files are small, and decoding takes much longer.
 */
export async function readSample(location: SampleLocation, options?: DecodeOptions): Promise<ImageSample> {
  const { path, offset, label, id } = location;
  const bytes = readBytes(location, options?.borrowed ? scratchBytes : undefined);
  const name = offset === undefined ? path : `${path} at byte ${offset}`;
  if (location.encoding === 'planes')
    return { pixels: fromPlanes(bytes), width: PLANE_SIDE, height: PLANE_SIDE, label, id };
  const { pixels, width, height } = await decodeImage(bytes, name, options);
  return { pixels, width, height, label, id };
}

/**
 * The bytes at a location, in memory of `allocate`. Throws 'not-found' or 'io' if they cannot be read, 'invalid-file' if the file
 * is too short.
 */
export function readBytes(
  { path, offset = 0, length }: Pick<SampleLocation, 'path' | 'offset' | 'length'>,
  allocate = (size: number): Uint8Array => new Uint8Array(size),
): Uint8Array {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = allocate(length ?? fileSize(file, path));
      let filled = 0;
      while (filled < bytes.length) {
        const count = readSync(file, bytes, filled, bytes.length - filled, offset + filled);
        if (count === 0)
          throw new RevatError('invalid-file', `${path}: ends before byte ${offset + bytes.length}.`);
        filled += count;
      }
      return bytes;
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw fileError(path, cause);
  }
}

/** Larger files get memory of their own. */
const MAX_SCRATCH = 1 << 24;

let scratch = new Uint8Array(1 << 16);

/** Memory that the next call hands out again. */
function scratchBytes(size: number): Uint8Array {
  if (size > MAX_SCRATCH) return new Uint8Array(size);
  if (size > scratch.length) scratch = new Uint8Array(Math.min(MAX_SCRATCH, 2 * size));
  return scratch.subarray(0, size);
}

function fileSize(file: number, path: string): number {
  const status = fstatSync(file);
  if (!status.isFile()) throw new RevatError('invalid-file', `${path}: is not a file.`);
  if (status.size > MAX_FILE_BYTES)
    throw new RevatError('invalid-file', `${path}: has ${status.size} bytes, too many for an image.`);
  return status.size;
}

/** A RevatError for what the file system reported about a path; anything else as it is. */
export function fileError(path: string, cause: unknown): unknown {
  const { code, syscall } = (cause ?? {}) as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return cause;
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new RevatError('not-found', `${path}: does not exist.`, { cause });
  return new RevatError('io', `${path}: cannot be read (${code}).`, { cause });
}

/** Red, green and blue planes to interleaved pixels. */
function fromPlanes(planes: Uint8Array): Uint8Array {
  const count = PLANE_SIDE * PLANE_SIDE;
  const pixels = new Uint8Array(count * 3);
  for (let i = 0; i < count; i++) {
    pixels[i * 3] = planes[i];
    pixels[i * 3 + 1] = planes[count + i];
    pixels[i * 3 + 2] = planes[2 * count + i];
  }
  return pixels;
}
