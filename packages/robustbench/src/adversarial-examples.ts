import { RevatError } from '@revat/core';
import { readSafetensors, writeSafetensors } from '@revat/models';

/** The images of one chunk that a threat model's attacks broke. */
export interface AdversarialExamples {
  /** float32 [N, H, W, C] in [0, 1]. */
  readonly images: Float32Array;
  readonly shape: readonly [number, number, number, number];
  /** The true classes. */
  readonly labels: Int32Array;
  readonly sampleIds: readonly number[];
}

/** Writes examples atomically as safetensors: `images`, `labels`, `sample_ids`. Throws 'io'. */
export async function writeAdversarialExamples(file: string, examples: AdversarialExamples): Promise<void> {
  const { images, shape, labels, sampleIds } = examples;
  await writeSafetensors(file, {
    images: { shape, data: images },
    labels: { shape: [labels.length], data: labels },
    sample_ids: { shape: [labels.length], data: BigInt64Array.from(sampleIds, BigInt) },
  });
}

/** Reads examples back. Throws 'not-found', 'io', or 'invalid-file' for a file that holds anything else. */
export async function readAdversarialExamples(file: string): Promise<AdversarialExamples> {
  const { tensors } = await readSafetensors(file);
  const [images, labels, ids] = ['images', 'labels', 'sample_ids'].map((name) => tensors.get(name));
  const [count, height, width, channels] = images?.shape ?? [];
  if (
    !(
      images?.data instanceof Float32Array &&
      labels?.data instanceof Int32Array &&
      ids?.data instanceof BigInt64Array
    ) ||
    images.shape.length !== 4 ||
    labels.data.length !== count ||
    ids.data.length !== count
  )
    throw new RevatError('invalid-file', `${file} holds no adversarial examples. Run the evaluation again.`);
  return {
    images: images.data,
    shape: [count, height, width, channels],
    labels: labels.data,
    sampleIds: Array.from(ids.data, Number),
  };
}
