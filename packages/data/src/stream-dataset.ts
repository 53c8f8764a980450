import { RevatError } from '@revat/core';

import type { ImageDataset, ImageSample } from './image-dataset.js';

export interface StreamDatasetOptions {
  /** Number of samples in one pass. */
  length: number;
  classNames: readonly string[];
  /** Default "stream". */
  name?: string;
}

/**
 * A data set from any iterable or async iterable of samples, or a function that starts one for each pass. It is read in
 * order and never held: going back starts it again, so a stream that can be read only once serves one epoch. A loader
 * cannot shuffle it. Sampling rejects with 'mismatch' if the stream ends early.
 */
export function streamDataset(
  source:
    | AsyncIterable<ImageSample>
    | Iterable<ImageSample>
    | (() => AsyncIterable<ImageSample> | Iterable<ImageSample>),
  { length, classNames, name = 'stream' }: StreamDatasetOptions,
): ImageDataset {
  if (!Number.isInteger(length) || length < 1)
    throw new RevatError('invalid-argument', `streamDataset: length must be an integer >= 1, got ${length}.`);
  let iterator: AsyncIterator<ImageSample> | Iterator<ImageSample> | undefined;
  let position = 0;

  const restart = () => {
    const iterable = typeof source === 'function' ? source() : source;
    iterator =
      Symbol.asyncIterator in iterable ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]();
    position = 0;
  };
  return {
    name,
    length,
    classNames,
    sequential: true,
    async sample(index) {
      if (!iterator || index < position) restart();
      for (;;) {
        const next = await iterator?.next();
        if (!next || next.done)
          throw new RevatError(
            'mismatch',
            `${name}: the stream ended after ${position} samples instead of ${length}.`,
          );
        if (position++ === index) return next.value;
      }
    },
  };
}
