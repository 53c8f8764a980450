// node serve-in-child.mjs JOURNAL FOLDER OPTIONS: serves the batches of two epochs of an image folder with the loader options
// (JSON) and appends a line for each to JOURNAL: the hash of the batch and the position after it. Goes on behind the last
// whole line. Prints a dot for every batch, and serves at a pace at which it can be killed in between.
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

import { createLoader, imageFolder } from '@revat/data';

const EPOCHS = 2;

const [journal, folder, options] = process.argv.slice(2);
// A kill may tear the last line.
const lines = (existsSync(journal) ? readFileSync(journal, 'utf8') : '').split('\n').slice(0, -1);
writeFileSync(journal, lines.map((line) => `${line}\n`).join(''));
const position = lines.length > 0 ? JSON.parse(lines.at(-1)).position : undefined;

const loader = createLoader(imageFolder(folder), { ...JSON.parse(options), position });
while (loader.position.epoch < EPOCHS) {
  for await (const { images, labels, sampleIds, targets } of loader) {
    const hash = createHash('sha256');
    for (const array of [images, labels, sampleIds, targets]) hash.update(array);
    appendFileSync(journal, `${JSON.stringify({ hash: hash.digest('hex'), position: loader.position })}\n`);
    process.stdout.write('.');
    await pause(4);
  }
}
await loader.close();
