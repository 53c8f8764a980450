/** Folders of 500x375 JPEG photographs, as large as ImageNet's are on average. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import sharp from 'sharp';

const FIXTURES = join(import.meta.dirname, '../../../packages/augment/test/fixtures');
const SOURCES = [
  'photos/chelsea.png',
  'photos/rocket.jpg',
  'jpeg/coffee_q75_420.jpg',
  'photos/chelsea.png',
  'photos/rocket.jpg',
];

/** Five photographs, quality 90, 4:2:0, in one class folder; their paths. */
export async function makePhotographs(root) {
  mkdirSync(join(root, 'photos/all'), { recursive: true });
  return Promise.all(
    SOURCES.map(async (source, i) => {
      const path = join(root, 'photos/all', `${i}.jpg`);
      const image = sharp(join(FIXTURES, source))
        .rotate(0)
        .resize(500, 375, { fit: 'cover', position: i < 3 ? 'centre' : 'east' });
      await image
        .flop(i % 2 === 1)
        .jpeg({ quality: 90, chromaSubsampling: '4:2:0' })
        .toFile(path);
      return path;
    }),
  );
}

/** An image folder of `count` copies of the photographs in `classes` classes; its path. */
export function makeImageFolder(root, name, photographs, { count, classes }) {
  const bytes = photographs.map((path) => readFileSync(path));
  for (let c = 0; c < classes; c++) mkdirSync(join(root, name, `class-${c}`), { recursive: true });
  for (let i = 0; i < count; i++)
    writeFileSync(join(root, name, `class-${i % classes}`, `${i}.jpg`), bytes[i % bytes.length]);
  return join(root, name);
}
