import { RevatError } from '@revat/core';

import type { ImageDataset, SampleLocation } from './image-dataset.js';
import { readSample } from './read-sample.js';

/** A data set whose samples lie in files. */
export function locatedDataset(
  name: string,
  classNames: readonly string[],
  length: number,
  locationOf: (index: number) => SampleLocation,
): ImageDataset {
  const locate = (index: number) => {
    checkIndex(name, index, length);
    return locationOf(index);
  };
  return {
    name,
    length,
    classNames,
    locate,
    sample: async (index, { region } = {}) => readSample(locate(index), { region }),
  };
}

/** Throws 'invalid-argument' unless 0 <= index < length. */
export function checkIndex(name: string, index: number, length: number): void {
  if (Number.isInteger(index) && index >= 0 && index < length) return;
  throw new RevatError('invalid-argument', `${name}: there is no sample ${index}; there are ${length}.`);
}
