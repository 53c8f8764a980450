/** The loader with one worker thread against two. */
import { createLoader, imageFolder } from '@revat/data';

import { makeImageFolder } from './photographs.mjs';

/**
 * Images per second with one and with two workers, heavy augmentation, in turn; the best round of each, with the processors that
 * it kept busy. As the trainer does, the receiver gives the memory of its batches back.
 */
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
  const best = [{ rate: 0 }, { rate: 0 }];
  // The first round only warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const [i, loader] of loaders.entries()) {
      const start = performance.now();
      const cpu = process.cpuUsage();
      let images = 0;
      for await (const batch of loader.epoch(round)) {
        images += batch.labels.length;
        loader.recycle(batch);
      }
      const seconds = (performance.now() - start) / 1000;
      const { user, system } = process.cpuUsage(cpu);
      const processors = (user + system) / 1e6 / seconds;
      if (round > 0 && images / seconds > best[i].rate) best[i] = { rate: images / seconds, processors };
    }
  }
  await Promise.all(loaders.map((loader) => loader.close()));
  const [one, two] = best;
  return { unit: 'images per second', one, two, ratio: two.rate / one.rate };
}
