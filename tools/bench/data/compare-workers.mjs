/** The loader with one worker thread against two. */
import { createLoader, imageFolder } from '@revat/data';

import { makeImageFolder } from './photographs.mjs';

/** Images per second with one and with two workers, heavy augmentation, in turn; the best round of each. */
export async function compareWorkers(root, photographs, rounds) {
  const folder = makeImageFolder(root, 'workers', photographs, { count: 640, classes: 10 });
  const loaders = [1, 2].map((workers) =>
    createLoader(imageFolder(folder), {
      batchSize: 32,
      imageSize: 224,
      augmentation: 'heavy',
      shuffle: true,
      workers,
      prefetch: 4,
    }),
  );
  const rates = [[], []];
  // The first round only warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const [i, loader] of loaders.entries()) {
      const start = performance.now();
      let images = 0;
      for await (const batch of loader.epoch(round)) images += batch.labels.length;
      if (round > 0) rates[i].push((images / (performance.now() - start)) * 1000);
    }
  }
  await Promise.all(loaders.map((loader) => loader.close()));
  const [one, two] = rates.map((list) => Math.max(...list));
  return { unit: 'images per second', one, two, ratio: two / one, rates };
}
