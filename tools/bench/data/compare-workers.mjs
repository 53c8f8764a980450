/** The loader with one worker thread against two. */
import { createLoader, imageFolder } from '@revat/data';

import { makeImageFolder } from './photographs.mjs';

const BATCH = 32;

/**
 * Images per second with one and with two workers, heavy augmentation, in turn; the best round of each, with the processors that
 * it kept busy. As the trainer does, the receiver gives the memory of its batches back.
 */
export async function compareWorkers(root, photographs, rounds) {
  const folder = makeImageFolder(root, 'workers', photographs, { count: 640, classes: 10 });
  const best = [{ rate: 0 }, { rate: 0 }];
  for (let round = 0; round < rounds; round++) {
    for (const i of best.keys()) {
      const measured = await measure(folder, i + 1);
      if (measured.rate > best[i].rate) best[i] = measured;
    }
  }
  const [one, two] = best;
  return { unit: 'images per second', one, two, ratio: two.rate / one.rate };
}

/** Epochs a thread until V8 is done with compiling its code: about 5,000 images for each. */
const WARM_UP = 8;
const EPOCHS = 4;

/** One loader at a time: workers prepare batches ahead also while nobody asks. */
async function measure(folder, workers) {
  const loader = createLoader(imageFolder(folder), {
    batchSize: BATCH,
    imageSize: 224,
    augmentation: 'heavy',
    shuffle: true,
    workers,
  });
  try {
    const warmUp = WARM_UP * workers;
    for (let epoch = 0; epoch < warmUp; epoch++) await serve(loader, epoch);
    const start = performance.now();
    const cpu = process.cpuUsage();
    let images = 0;
    for (let epoch = 0; epoch < EPOCHS; epoch++) images += await serve(loader, warmUp + epoch);
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    return { rate: images / seconds, processors: (user + system) / 1e6 / seconds };
  } finally {
    await loader.close();
  }
}

async function serve(loader, epoch) {
  let images = 0;
  for await (const batch of loader.epoch(epoch)) {
    images += batch.labels.length;
    loader.recycle(batch);
  }
  return images;
}
