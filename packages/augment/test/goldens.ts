/**
 * The reference's golden data: JSON files that describe cases and safetensors files (gzipped) with the arrays. Made with
 * Pillow 9.4.0, torchvision 0.14.1 and timm 1.0.29.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import sharp from 'sharp';

import type { RgbImage } from '../src/rgb-image.js';

export interface GoldenTensor {
  readonly shape: number[];
  readonly data: Uint8Array | Float32Array | number[];
}

const FIXTURES = join(__dirname, 'fixtures');

export function goldenJson<T>(name: string): T {
  return JSON.parse(readFileSync(join(FIXTURES, `${name}.json`), 'utf8')) as T;
}

export function goldenTensors(name: string): Map<string, GoldenTensor> {
  const file = gunzipSync(readFileSync(join(FIXTURES, `${name}.safetensors.gz`)));
  const headerLength = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerLength)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, GoldenTensor>();
  for (const [key, { dtype, shape, data_offsets: offsets }] of Object.entries(header)) {
    if (key === '__metadata__') continue;
    const bytes = Uint8Array.from(
      file.subarray(8 + headerLength + offsets[0], 8 + headerLength + offsets[1]),
    );
    tensors.set(key, { shape, data: typed(dtype, bytes) });
  }
  return tensors;
}

function typed(dtype: string, bytes: Uint8Array): GoldenTensor['data'] {
  if (dtype === 'U8') return bytes;
  if (dtype === 'F32') return new Float32Array(bytes.buffer);
  if (dtype === 'I64') return Array.from(new BigInt64Array(bytes.buffer), Number);
  throw new Error(`golden tensor of type ${dtype}`);
}

const inputs = goldenTensors('inputs');
const photos: Record<string, string> = { chelsea: 'chelsea.png', rocket: 'rocket.jpg' };

/** A golden input by name: a small array or a photo. */
export async function goldenInput(name: string): Promise<RgbImage> {
  const tensor = inputs.get(`in/${name}`);
  if (tensor) return asImage(tensor);
  const file = photos[name] ?? name;
  const { data, info } = await sharp(join(FIXTURES, 'photos', file), { ignoreIcc: true })
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { pixels: new Uint8Array(data), width: info.width, height: info.height };
}

export function asImage({ shape, data }: GoldenTensor): RgbImage {
  return { pixels: data as Uint8Array, height: shape[0], width: shape[1] };
}

/** [N, 3, H, W] (or [3, H, W]) to [N, H, W, 3]. */
export function toChannelsLast({ shape, data }: GoldenTensor): Float32Array {
  const [height, width] = shape.slice(-2);
  const batch = shape.length === 4 ? shape[0] : 1;
  const out = new Float32Array(data.length);
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < 3; c++)
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++)
          out[((n * height + y) * width + x) * 3 + c] = Number(data[((n * 3 + c) * height + y) * width + x]);
  return out;
}

export interface Difference {
  readonly max: number;
  readonly share: number;
}

/** Largest absolute difference and share of values that differ. */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): Difference {
  if (actual.length !== expected.length)
    throw new Error(`${actual.length} values instead of ${expected.length}`);
  let max = 0;
  let count = 0;
  for (let i = 0; i < actual.length; i++) {
    if (Object.is(actual[i], expected[i]) || actual[i] === expected[i]) continue;
    const distance = Math.abs(actual[i] - expected[i]);
    max = distance <= max ? max : distance;
    count++;
  }
  return { max, share: count / actual.length };
}
