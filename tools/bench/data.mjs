/**
 * Images per second of the data pipeline against timm on Pillow, one thread each, in one run:
 *   npm run -s bench:data -- [--json] [--rounds 7] [--images 40] [--python /usr/bin/python3] [--index 1000000] [--memory 100000]
 * Stages: decode (500x375 JPEG from memory), heavy (decode, the paper's heavy augmentation, 224x224 floats), evaluation
 * (decode, resize, centre crop, floats). Both sides run every stage in turn; CPU time counts, the best round of each, since
 * other processes can only slow a round down. Then one loader worker against two by wall clock. --index builds the index of
 * a synthetic folder of that many files; --memory serves that many images and watches the memory.
 * timm is optional: set REVAT_TIMM to a folder that holds it if the Python does not.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { createAugmentation, seededDraws } from '@revat/augment';
import { createLoader, decodeImage, imageFolder } from '@revat/data';
import sharp from 'sharp';

const HERE = dirname(fileURLToPath(import.meta.url));
const FIXTURES = join(HERE, '../../packages/augment/test/fixtures');
const SIZE = 224;
const SIDES = ['revat', 'timm'];

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '7' },
    images: { type: 'string', default: '40' },
    python: { type: 'string', default: '/usr/bin/python3' },
    index: { type: 'string' },
    memory: { type: 'string' },
  },
});

const folder = mkdtempSync(join(tmpdir(), 'revat-bench-data-'));
try {
  const files = await makePhotos(folder);
  const report = { stages: await compareStages(files), workers: await compareWorkers(folder) };
  if (flags.index) report.index = await measureIndex(join(folder, 'index'), Number(flags.index));
  if (flags.memory) report.memory = await measureMemory(folder, Number(flags.memory));
  print(report);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Five 500x375 photographs, quality 90, 4:2:0, in one class folder. */
async function makePhotos(root) {
  mkdirSync(join(root, 'photos/all'), { recursive: true });
  const sources = [
    'photos/chelsea.png',
    'photos/rocket.jpg',
    'jpeg/coffee_q75_420.jpg',
    'photos/chelsea.png',
    'photos/rocket.jpg',
  ];
  return Promise.all(
    sources.map(async (source, i) => {
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

async function compareStages(files) {
  const buffers = files.map((file) => readFileSync(file));
  const heavy = createAugmentation('heavy', SIZE);
  const evaluation = createAugmentation('evaluation', SIZE);
  const out = new Float32Array(SIZE * SIZE * 3);
  const augmented = (augmentation) => async (bytes, id) =>
    augmentation.image(await decodeImage(bytes, 'photo'), seededDraws(0, 'augment', 0, id), out);
  const stages = { decode: decodeImage, heavy: augmented(heavy), evaluation: augmented(evaluation) };
  const timm = await startTimm(files);
  const images = Number(flags.images);
  const run = {
    async revat(stage) {
      const cpu = process.cpuUsage();
      const start = performance.now();
      for (let i = 0; i < images; i++) await stages[stage](buffers[i % buffers.length], i);
      const { user, system } = process.cpuUsage(cpu);
      return { seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 };
    },
    timm: (stage) => timm.ask({ stage, images }),
  };
  const rows = [];
  for (const stage of Object.keys(stages)) {
    const best = { revat: Infinity, timm: Infinity };
    const ratios = [];
    // The first round only warms up.
    for (let round = 0; round <= Number(flags.rounds); round++) {
      const seconds = {};
      for (const side of SIDES)
        seconds[side] = timm || side === 'revat' ? (await run[side](stage)).cpuSeconds : NaN;
      if (round === 0) continue;
      for (const side of SIDES) best[side] = Math.min(best[side], seconds[side]);
      ratios.push(seconds.timm / seconds.revat);
    }
    rows.push({
      stage,
      revat: images / best.revat,
      timm: timm ? images / best.timm : null,
      ratio: timm ? best.timm / best.revat : null,
      ratioRounds: timm ? [Math.min(...ratios), Math.max(...ratios)] : null,
    });
  }
  timm?.close();
  return { unit: 'images per CPU second of one thread', versions: timm?.versions ?? null, rows };
}

/** timm in a Python process, or undefined where it is not installed. */
async function startTimm(files) {
  const child = spawn(flags.python, [join(HERE, 'data/timm-pipeline.py')], {
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

/** Images per second of the loader with one and with two threads, heavy augmentation, alternating. */
async function compareWorkers(root) {
  mkdirSync(join(root, 'many/all'), { recursive: true });
  const photos = [0, 1, 2, 3, 4].map((i) => readFileSync(join(root, 'photos/all', `${i}.jpg`)));
  for (let i = 0; i < 640; i++) writeFileSync(join(root, 'many/all', `${i}.jpg`), photos[i % 5]);
  const dataset = imageFolder(join(root, 'many'));
  const loaders = [1, 2].map((workers) =>
    createLoader(dataset, {
      batchSize: 32,
      imageSize: SIZE,
      augmentation: 'heavy',
      shuffle: true,
      workers,
      prefetch: 4,
    }),
  );
  const best = [0, 0];
  for (let round = 0; round <= 3; round++) {
    for (const [i, loader] of loaders.entries()) {
      const start = performance.now();
      let images = 0;
      for await (const batch of loader.epoch(round)) images += batch.labels.length;
      if (round > 0) best[i] = Math.max(best[i], (images / (performance.now() - start)) * 1000);
    }
  }
  await Promise.all(loaders.map((loader) => loader.close()));
  return { unit: 'images per second', one: best[0], two: best[1], ratio: best[1] / best[0] };
}

/** Seconds and memory to index `count` empty files in 1000 folders. */
async function measureIndex(root, count) {
  const folders = Math.min(1000, count);
  for (let f = 0; f < folders; f++) {
    const directory = join(root, `n${String(f).padStart(8, '0')}`);
    mkdirSync(directory, { recursive: true });
    for (let i = f; i < count; i += folders)
      closeSync(openSync(join(directory, `n${String(f).padStart(8, '0')}_${i}.JPEG`), 'w'));
  }
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  const start = performance.now();
  const dataset = imageFolder(root);
  const seconds = (performance.now() - start) / 1000;
  return {
    files: dataset.length,
    seconds,
    addedMiB: (process.memoryUsage().rss - before) / 2 ** 20,
    totalMiB: process.memoryUsage().rss / 2 ** 20,
  };
}

/** Resident memory after the first tenth and at the end of serving `count` images. */
async function measureMemory(root, count) {
  const loader = createLoader(imageFolder(join(root, 'many')), {
    batchSize: 32,
    imageSize: 64,
    augmentation: 'heavy',
    shuffle: true,
    workers: 2,
  });
  let served = 0;
  let early = 0;
  while (served < count) {
    for await (const batch of loader) served += batch.labels.length;
    if (early === 0 && served >= count / 10) early = process.memoryUsage().rss;
  }
  await loader.close();
  return { images: served, earlyMiB: early / 2 ** 20, lateMiB: process.memoryUsage().rss / 2 ** 20 };
}

function print(report) {
  if (flags.json) {
    console.log(JSON.stringify(report, undefined, 2));
    return;
  }
  const { stages, workers, index, memory } = report;
  console.log(`${stages.unit}; timm: ${JSON.stringify(stages.versions)}`);
  for (const { stage, revat, timm, ratio } of stages.rows)
    console.log(
      `${stage.padEnd(12)} revat ${revat.toFixed(0).padStart(6)}   timm ${timm?.toFixed(0).padStart(6) ?? '-'}   ratio ${ratio?.toFixed(2) ?? '-'}`,
    );
  console.log(
    `loader       one worker ${workers.one.toFixed(0)}, two ${workers.two.toFixed(0)} images/s, ratio ${workers.ratio.toFixed(2)}`,
  );
  if (index)
    console.log(
      `index        ${index.files} files in ${index.seconds.toFixed(2)} s, ${index.totalMiB.toFixed(0)} MiB in all`,
    );
  if (memory)
    console.log(
      `memory       ${memory.images} images: ${memory.earlyMiB.toFixed(0)} MiB early, ${memory.lateMiB.toFixed(0)} MiB at the end`,
    );
}
