/** Resident memory of a process while a loader with two workers serves many images. */
import { createLoader, imageFolder } from '@revat/data';

import { makeImageFolder } from './photographs.mjs';

const MIB = 2 ** 20;
const PARTS = 10;

/** The largest resident memory during each tenth of serving `count` images from JPEG files, heavily augmented. */
export async function measureMemory(root, photographs, count) {
  const folder = makeImageFolder(root, 'memory', photographs, { count: 640, classes: 10 });
  const loader = createLoader(imageFolder(folder), {
    batchSize: 32,
    imageSize: 224,
    augmentation: 'heavy',
    shuffle: true,
    workers: 2,
  });
  const peaksMiB = new Array(PARTS).fill(0);
  const start = performance.now();
  let images = 0;
  while (images < count) {
    for await (const batch of loader) {
      const part = Math.min(PARTS - 1, Math.floor((images / count) * PARTS));
      peaksMiB[part] = Math.max(peaksMiB[part], process.memoryUsage().rss / MIB);
      images += batch.labels.length;
      if (images >= count) break;
    }
  }
  await loader.close();
  return { images, seconds: (performance.now() - start) / 1000, peaksMiB };
}
