/** Parts of a data set. Samples keep their ids. */
import { randomStream, RevatError } from '@revat/core';

import type { ImageDataset } from './image-dataset.js';
import { checkIndex } from './located-dataset.js';

/** The samples at the given indices, in that order. Throws 'invalid-argument' for an index that does not exist. */
export function subset(
  dataset: ImageDataset,
  indices: ArrayLike<number>,
  name = `${dataset.name}-subset`,
): ImageDataset {
  const chosen = Float64Array.from(indices);
  chosen.forEach((index) => checkIndex(dataset.name, index, dataset.length));
  const at = (index: number) => {
    checkIndex(name, index, chosen.length);
    return chosen[index];
  };
  const locate = dataset.locate?.bind(dataset);
  return {
    name,
    length: chosen.length,
    classNames: dataset.classNames,
    immutable: dataset.immutable,
    sequential: dataset.sequential,
    sample: (index, options) => dataset.sample(at(index), options),
    ...(locate && { locate: (index: number) => locate(at(index)) }),
  };
}

/** `count` samples drawn without replacement with a seed, in the data set's order. */
export function randomSubset(dataset: ImageDataset, count: number, seed = 0): ImageDataset {
  if (!Number.isInteger(count) || count < 1 || count > dataset.length)
    throw new RevatError(
      'invalid-argument',
      `randomSubset: count must be from 1 to ${dataset.length}, got ${count}.`,
    );
  const order = randomStream(seed, 'random-subset').permutation(dataset.length);
  return subset(dataset, order.subarray(0, count).sort(), `${dataset.name}-${count}`);
}

/**
 * Two disjoint parts that together are the data set: `share` of the samples, drawn with a seed, and the rest, both in the
 * data set's order. The same for the same seed on every machine.
 */
export function splitDataset(dataset: ImageDataset, share: number, seed = 0): [ImageDataset, ImageDataset] {
  const count = Math.round(share * dataset.length);
  if (!(share > 0 && share < 1) || count === 0 || count === dataset.length)
    throw new RevatError(
      'invalid-argument',
      `splitDataset: a share of ${share} of ${dataset.length} samples leaves a part empty.`,
    );
  const order = randomStream(seed, 'split').permutation(dataset.length);
  return [
    subset(dataset, order.subarray(0, count).sort(), `${dataset.name}-first`),
    subset(dataset, order.subarray(count).sort(), `${dataset.name}-second`),
  ];
}

/**
 * The samples with other labels: `newLabels[label]` is the new one, or -1 to leave the class out, e.g. to merge ImageNet's
 * classes into coarser ones. Needs a data set that knows its labels without decoding (any but a stream or one in memory).
 */
export function mapClasses(
  dataset: ImageDataset,
  newLabels: ArrayLike<number>,
  classNames: readonly string[],
  name = `${dataset.name}-mapped`,
): ImageDataset {
  const locate = dataset.locate?.bind(dataset);
  if (!locate)
    throw new RevatError('unavailable', `mapClasses: ${dataset.name} does not know its labels in advance.`);
  if (newLabels.length !== dataset.classNames.length)
    throw new RevatError(
      'mismatch',
      `mapClasses: ${newLabels.length} new labels for ${dataset.classNames.length} classes.`,
    );
  const wrong = Array.from(newLabels).find(
    (label) => !Number.isInteger(label) || label < -1 || label >= classNames.length,
  );
  if (wrong !== undefined)
    throw new RevatError(
      'invalid-argument',
      `mapClasses: the new label ${wrong} is not -1 .. ${classNames.length - 1}.`,
    );
  const indices = Array.from({ length: dataset.length }, (_, index) => index);
  const kept = subset(
    dataset,
    indices.filter((index) => newLabels[locate(index).label] >= 0),
    name,
  );
  return {
    ...kept,
    classNames,
    async sample(index, options) {
      const sample = await kept.sample(index, options);
      return { ...sample, label: newLabels[sample.label] };
    },
    locate(index) {
      const location = kept.locate!(index);
      return { ...location, label: newLabels[location.label] };
    },
  };
}
