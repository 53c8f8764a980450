/**
 * What the data pipeline is measured by, in one run:
 *   npm run -s bench:data -- [--json] [--stages] [--workers] [--index 1000000] [--memory 100000] [--wait]
 *     [--rounds 7] [--images 400] [--python /usr/bin/python3]
 * --stages compares one thread with timm on Pillow: decode (500x375 JPEG from memory), heavy (decode, the paper's heavy
 * augmentation, 224x224 floats), evaluation (decode, resize, centre crop, floats). Both sides run every stage in turn; CPU time
 * counts, the best round of each, since other processes can only slow a round down. --workers compares one loader worker with
 * two by wall clock. These two run if nothing is asked for. --index indexes a synthetic folder of that many files; --memory
 * serves that many images and watches the memory; --wait trains and measures the time spent waiting for data.
 * timm is optional: set REVAT_TIMM to a folder that holds it if the Python does not.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { compareStages } from './data/compare-stages.mjs';
import { compareWorkers } from './data/compare-workers.mjs';
import { measureIndex } from './data/measure-index.mjs';
import { measureMemory } from './data/measure-memory.mjs';
import { makePhotographs } from './data/photographs.mjs';

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    stages: { type: 'boolean' },
    workers: { type: 'boolean' },
    index: { type: 'string' },
    memory: { type: 'string' },
    wait: { type: 'boolean' },
    rounds: { type: 'string', default: '7' },
    images: { type: 'string', default: '400' },
    python: { type: 'string', default: '/usr/bin/python3' },
  },
});
const rounds = Number(flags.rounds);
const byDefault = ![flags.stages, flags.workers, flags.index, flags.memory, flags.wait].some(Boolean);

const PRINTERS = {
  stages: printStages,
  workers: printWorkers,
  index: printIndex,
  memory: printMemory,
  wait: printWait,
};

const folder = mkdtempSync(join(tmpdir(), 'revat-bench-data-'));
try {
  const report = await measure(folder);
  if (flags.json) console.log(JSON.stringify(report, undefined, 2));
  else for (const [part, result] of Object.entries(report)) PRINTERS[part](result);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measure(root) {
  const photographs = await makePhotographs(root);
  const report = {};
  if (flags.stages || byDefault)
    report.stages = await compareStages(photographs, {
      images: Number(flags.images),
      rounds,
      python: flags.python,
    });
  if (flags.workers || byDefault) report.workers = await compareWorkers(root, photographs, rounds);
  if (flags.index) report.index = measureIndex(join(root, 'index'), Number(flags.index));
  if (flags.memory) report.memory = await measureMemory(root, photographs, Number(flags.memory));
  if (flags.wait) {
    // Only here: the engine takes memory and threads.
    const { measureWait } = await import('./data/measure-wait.mjs');
    report.wait = await measureWait(root, photographs);
  }
  return report;
}

function printStages({ unit, versions, rows }) {
  console.log(`${unit}; timm: ${JSON.stringify(versions)}`);
  const rate = (value) => (value === null ? '-' : value.toFixed(0)).padStart(6);
  for (const { stage, revat, timm, owned, sharp, ratio } of rows)
    console.log(
      `${stage.padEnd(12)} revat ${rate(revat)}   timm ${rate(timm)}   ratio ${ratio?.toFixed(2) ?? '-'}${sharp === null ? '' : `   into memory of its own ${rate(owned)}, sharp ${rate(sharp)}`}`,
    );
}

function printWorkers({ unit, one, two, ratio }) {
  const show = ({ rate, processors }) => `${rate.toFixed(0)} (${processors.toFixed(2)} processors)`;
  console.log(`loader       one worker ${show(one)}, two ${show(two)} ${unit}, ratio ${ratio.toFixed(2)}`);
}

function printIndex({ files, seconds, startMiB, peakMiB }) {
  const times = seconds.map((value) => value.toFixed(2)).join(', ');
  console.log(
    `index        ${files} files in ${times} s; peak ${peakMiB.toFixed(0)} MiB, ${startMiB.toFixed(0)} before`,
  );
}

function printMemory({ images, seconds, peaksMiB }) {
  const peaks = peaksMiB.map((value) => value.toFixed(0)).join(', ');
  console.log(`memory       ${images} images in ${seconds.toFixed(0)} s; peak of each tenth ${peaks} MiB`);
}

function printWait({ device, rows }) {
  console.log(`data wait    on ${device}`);
  for (const { recipe, stage, workers, wait, stepMs, loaderMs } of rows)
    console.log(
      `${recipe}, ${stage}, ${workers} workers: waits ${(100 * wait).toFixed(2)} % of the time; step ${stepMs.toFixed(1)} ms, loader alone ${loaderMs.toFixed(1)} ms`,
    );
}
