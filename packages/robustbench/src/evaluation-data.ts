import { createHash } from 'node:crypto';

import { RevatError } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';
import type { ImageDataset } from '@revat/data';

/** Images in memory: float32 [N, H, W, C] in [0, 1], which stay the caller's. */
export interface ImagesInMemory {
  readonly name: string;
  readonly images: tf.Tensor4D;
  readonly labels: ArrayLike<number>;
  /** Stable integers that key each sample's randomness. Default 0, 1, 2, ... */
  readonly sampleIds?: ArrayLike<number>;
  readonly classNames?: readonly string[];
}

export type EvaluationData = ImageDataset | ImagesInMemory;

/** A chunk of samples: what is attacked, journaled and sharded as one. */
export interface Chunk {
  /** float32 [B, H, W, C] in [0, 1]; whoever loaded the chunk disposes it. */
  readonly images: tf.Tensor4D;
  /** The values of `images`. */
  readonly pixels: Float32Array;
  readonly labels: Int32Array;
  readonly sampleIds: readonly number[];
  /** sha256 of pixels, labels and ids. */
  readonly hash: string;
}

/** The samples of an evaluation, cut into chunks whose borders depend on nothing but `batchSize`. */
export interface ChunkedData {
  readonly name: string;
  readonly classNames: readonly string[];
  readonly samples: number;
  readonly chunks: number;
  /** sha256 of the selected positions. */
  readonly selection: string;
  chunkSize(chunk: number): number;
  load(chunk: number): Promise<Chunk>;
}

interface Sample {
  readonly pixels: Float32Array;
  readonly shape: readonly [number, number, number];
  readonly label: number;
  readonly id: number;
}

/**
 * Cuts data into chunks of `batchSize` (the last may be smaller). `select`: number of images from the start, or positions;
 * undefined takes all. Throws 'invalid-argument' for a selection that the data does not have.
 */
export function chunkData(
  data: EvaluationData,
  batchSize: number,
  select?: number | readonly number[],
): ChunkedData {
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw new RevatError(
      'invalid-argument',
      `evaluate: batchSize must be an integer >= 1, got ${batchSize}.`,
    );
  const available = 'images' in data ? checkedInMemory(data) : data.length;
  const positions = selectPositions(select, available, data.name);
  const read = 'images' in data ? inMemoryReader(data) : datasetReader(data);
  const slice = (chunk: number) => positions.slice(chunk * batchSize, (chunk + 1) * batchSize);
  return {
    name: data.name,
    classNames: data.classNames ?? [],
    samples: positions.length,
    chunks: Math.ceil(positions.length / batchSize),
    selection: createHash('sha256').update(JSON.stringify(positions)).digest('hex'),
    chunkSize: (chunk) => slice(chunk).length,
    load: async (chunk) => stack(await Promise.all(slice(chunk).map(read)), data.name),
  };
}

function checkedInMemory({ images, labels, sampleIds, name }: ImagesInMemory): number {
  const count = images.shape[0];
  if (labels.length !== count || (sampleIds && sampleIds.length !== count))
    throw new RevatError(
      'mismatch',
      `evaluate: ${name} has ${count} images, ${labels.length} labels` +
        `${sampleIds ? ` and ${sampleIds.length} sample ids` : ''}. Give one of each per image.`,
    );
  return count;
}

function selectPositions(
  select: number | readonly number[] | undefined,
  available: number,
  name: string,
): readonly number[] {
  const positions =
    select === undefined || typeof select === 'number'
      ? Array.from({ length: select ?? available }, (_, i) => i)
      : select;
  const wrong = positions.find(
    (position) => !Number.isInteger(position) || position < 0 || position >= available,
  );
  if (positions.length === 0 || wrong !== undefined)
    throw new RevatError(
      'invalid-argument',
      wrong === undefined
        ? `evaluate: no images selected from ${name}. Select at least one.`
        : `evaluate: samples asks for image ${wrong} of ${name}, which has ${available} (0 to ${available - 1}).`,
    );
  if (new Set(positions).size < positions.length)
    throw new RevatError('invalid-argument', 'evaluate: samples names an image twice. Name each once.');
  return positions;
}

function datasetReader(data: ImageDataset): (position: number) => Promise<Sample> {
  return async (position) => {
    const { pixels, width, height, label, id } = await data.sample(position);
    // uint8 / 255 in float32, as ToTensor does.
    return {
      pixels: Float32Array.from(pixels, (value) => value / 255),
      shape: [height, width, 3],
      label,
      id,
    };
  };
}

function inMemoryReader({
  images,
  labels,
  sampleIds,
}: ImagesInMemory): (position: number) => Promise<Sample> {
  const [, height, width, channels] = images.shape;
  const size = height * width * channels;
  let values: Promise<Float32Array> | undefined;
  return async (position) => ({
    pixels: (await (values ??= images.data<'float32'>())).slice(position * size, (position + 1) * size),
    shape: [height, width, channels],
    label: labels[position],
    id: sampleIds ? sampleIds[position] : position,
  });
}

function stack(samples: readonly Sample[], name: string): Chunk {
  const [{ shape }] = samples;
  const size = shape[0] * shape[1] * shape[2];
  const pixels = new Float32Array(samples.length * size);
  samples.forEach((sample, i) => {
    if (sample.pixels.length !== size || sample.shape.some((side, axis) => side !== shape[axis]))
      throw new RevatError(
        'mismatch',
        `evaluate: ${name} has images of ${shape.join('x')} and of ${sample.shape.join('x')} (sample ${sample.id}). ` +
          'Resize them to one size first.',
      );
    pixels.set(sample.pixels, i * size);
  });
  const labels = Int32Array.from(samples, ({ label }) => label);
  const sampleIds = samples.map(({ id }) => id);
  const hash = createHash('sha256')
    .update(new Uint8Array(pixels.buffer))
    .update(new Uint8Array(labels.buffer))
    .update(JSON.stringify([shape, sampleIds]))
    .digest('hex');
  return { images: tf.tensor4d(pixels, [samples.length, ...shape]), pixels, labels, sampleIds, hash };
}
