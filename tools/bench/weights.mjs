/**
 * Loading a full-size ConvNeXt-T (28.6 M parameters, 114 MB, random values) from safetensors and from .pt:
 * seconds and peak extra memory in multiples of the file, the model's own new variables included.
 *
 *   npm run bench:weights [-- --runs 5 --backend onnx]
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { useBackend } from '@revat/backend';
import { createModel, readSafetensors, saveWeights } from '@revat/models';
import { writePt } from './weights/write-pt.mjs';

const LIMITS = { safetensors: 1.5, pt: 2 };
const MEMORY_LIMIT = 1.3;

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '5' }, backend: { type: 'string', default: 'onnx' } },
});
await useBackend('cpu');
const folder = mkdtempSync(path.join(tmpdir(), 'revat-bench-'));
try {
  const files = { safetensors: path.join(folder, 'model.safetensors'), pt: path.join(folder, 'model.pt') };
  await writeFiles(files);
  const cases = Object.keys(files).flatMap((format) =>
    ['deferred', 'built'].map((build) => ({ format, build, runs: [] })),
  );
  for (let run = 0; run < Number(values.runs); run++) {
    for (const { format, build, runs } of cases) runs.push(loadOnce(files[format], build));
  }
  for (const { format, build, runs } of cases) report(format, build, files[format], runs);
} finally {
  rmSync(folder, { recursive: true });
}

async function writeFiles(files) {
  const model = createModel('convnext_tiny', {});
  await saveWeights(model, files.safetensors);
  writePt(files.pt, (await readSafetensors(files.safetensors)).tensors);
}

/** `build`: 'deferred' makes the variables while loading, 'built' replaces initial values. */
function loadOnce(file, build) {
  const script = path.join(import.meta.dirname, 'weights', 'load-once.mjs');
  const output = execFileSync(process.execPath, ['--expose-gc', script, file, build, values.backend], {
    encoding: 'utf8',
  });
  return JSON.parse(output.trim().split('\n').at(-1));
}

function report(format, build, file, runs) {
  const bytes = statSync(file).size;
  const seconds = runs.map((run) => run.seconds).sort((a, b) => a - b);
  const median = seconds[Math.floor(seconds.length / 2)];
  const memory = Math.max(...runs.map(({ extra }) => extra)) / bytes;
  const verdict = median <= LIMITS[format] && memory <= MEMORY_LIMIT ? 'ok' : 'TOO MUCH';
  console.log(
    `${format.padEnd(12)} ${build.padEnd(9)} ${(bytes / 1e6).toFixed(1)} MB  ${runs[0].loaded} tensors  ` +
      `${median.toFixed(2)} s (best ${seconds[0].toFixed(2)}, limit ${LIMITS[format]})  ` +
      `peak extra ${memory.toFixed(2)}x the file (limit ${MEMORY_LIMIT})  ${verdict}`,
  );
  if (verdict !== 'ok') process.exitCode = 1;
}
