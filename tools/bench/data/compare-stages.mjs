/** One thread of the data pipeline against one of timm on Pillow. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { createAugmentation, seededDraws } from '@revat/augment';
import { decodeImage } from '@revat/data';
import sharp from 'sharp';

const SIZE = 224;
/** As the loader's threads decode. */
const BORROWED = { borrowed: true };

/**
 * Images per CPU second of both sides in each stage, in turn, the best round of each, and the quotient. `owned`
 * is decoding into memory of its own for every image, `sharp` decoding with sharp.
 */
export async function compareStages(files, { images, rounds, python }) {
  const buffers = files.map((file) => readFileSync(file));
  const timm = await startTimm(files, python);
  const stages = revatStages();
  const rows = [];
  for (const stage of ['decode', 'heavy', 'evaluation']) {
    const sides = {
      revat: async () => cpuSeconds(stages[stage], buffers, images),
      timm: async () => (timm ? (await timm.ask({ stage, images })).cpuSeconds : NaN),
    };
    if (stage === 'decode') {
      sides.owned = async () => cpuSeconds(stages.decodeOwned, buffers, images);
      sides.sharp = async () => cpuSeconds(stages.sharpDecode, buffers, images);
    }
    const { best, ratios } = await alternate(sides, rounds);
    rows.push({
      stage,
      revat: images / best.revat,
      timm: timm ? images / best.timm : null,
      owned: best.owned ? images / best.owned : null,
      sharp: best.sharp ? images / best.sharp : null,
      ratio: timm ? best.timm / best.revat : null,
      ratioRounds: timm ? [Math.min(...ratios), Math.max(...ratios)] : null,
    });
  }
  timm?.close();
  return { unit: 'images per CPU second of one thread', versions: timm?.versions ?? null, rows };
}

function revatStages() {
  sharp.concurrency(1);
  sharp.cache(false);
  const out = new Float32Array(SIZE * SIZE * 3);
  const augmented = (name) => {
    const augmentation = createAugmentation(name, SIZE);
    return async (bytes, id) => {
      const draws = () => seededDraws(0, 'augment', 0, id);
      const region = (width, height) => augmentation.source(width, height, draws());
      const photograph = await decodeImage(bytes, 'photo', { ...BORROWED, region });
      augmentation.image(photograph, draws(), out);
    };
  };
  return {
    decode: (bytes) => decodeImage(bytes, 'photo', BORROWED),
    decodeOwned: (bytes) => decodeImage(bytes, 'photo'),
    sharpDecode: (bytes) => sharp(bytes, { sequentialRead: true }).raw().toBuffer(),
    heavy: augmented('heavy'),
    evaluation: augmented('evaluation'),
  };
}

async function cpuSeconds(run, buffers, images) {
  const before = process.cpuUsage();
  for (let i = 0; i < images; i++) await run(buffers[i % buffers.length], i);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** The best round of each side, and timm's time over revat's in every round. The first round only warms up. */
async function alternate(sides, rounds) {
  const best = {};
  const ratios = [];
  for (let round = 0; round <= rounds; round++) {
    const seconds = {};
    for (const [side, run] of Object.entries(sides)) seconds[side] = await run();
    if (round === 0) continue;
    for (const side of Object.keys(sides)) best[side] = Math.min(best[side] ?? Infinity, seconds[side]);
    ratios.push(seconds.timm / seconds.revat);
  }
  return { best, ratios };
}

/** timm in a Python process, or undefined where it is not installed. */
async function startTimm(files, python) {
  const child = spawn(python, [join(import.meta.dirname, 'timm-pipeline.py')], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  const ask = async (request) => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value } = await lines.next();
    return value?.startsWith('{') ? JSON.parse(value) : undefined;
  };
  const versions = await ask({ files });
  return versions && { versions, ask, close: () => child.stdin.end() };
}
