// Writes a small ImageNet-style folder, checks it, and loads it with two worker threads; stops in mid-epoch and goes on.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { checkDataset, createLoader, digits, formatDatasetCheck, imageFolder } from '@revat/data';
import sharp from 'sharp';

const root = mkdtempSync(join(tmpdir(), 'revat-folder-'));
const source = digits({ imageSize: 48, split: 'test' });
for (let index = 0; index < 120; index++) {
  const { pixels, width, height, label, id } = await source.sample(index);
  const folder = join(root, source.classNames[label]);
  mkdirSync(folder, { recursive: true });
  await sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg()
    .toFile(join(folder, `${id}.jpg`));
}
// One file that is no image: it is found by the check and skipped by the loader.
writeFileSync(join(root, 'zero', 'broken.jpg'), 'not an image');
console.log(formatDatasetCheck(await checkDataset(root)));

const options = { batchSize: 16, imageSize: 32, augmentation: 'heavy', shuffle: true, seed: 1, workers: 2 };
const loader = createLoader(imageFolder(root), options);
for await (const batch of loader) {
  const { images, shape, labels, targets } = batch;
  console.log(
    `images ${shape.join('x')} (${images.length} floats), labels ${labels.slice(0, 4)}..., targets ${targets.length}`,
  );
  if (loader.position.offset === 48) break;
}
console.log('stopped at', loader.position, 'unreadable so far:', loader.badSamples.length);
await loader.close();

// The rest of the epoch, in another loader, as if it had never been interrupted.
const resumed = createLoader(imageFolder(root), { ...options, position: loader.position });
let rest = 0;
for await (const batch of resumed) rest += batch.labels.length;
await resumed.close();
console.log(`${rest} more images after resuming`);
rmSync(root, { recursive: true });
