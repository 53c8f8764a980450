/**
 * Whole AutoAttack evaluations (version standard) against the reference implementation in PyTorch: the same points, threads
 * and machine, one after the other, repeated in turn:
 *
 *   PYTHONPATH=/path/to/auto-attack npm run -s bench:attacks -- [--json] [--case A2-Linf] [--threads 1] [--repeats 1]
 *
 * `ratio` is our wall time over the reference's; `cpu_ratio` the same of processor time, which other load on the machine
 * disturbs less. Compilation is included. The reference (github.com/fra31/auto-attack) and PyTorch are the user's: where
 * either is missing, only our side is timed, with a message. Pythons: see torch-runner.mjs.
 */
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { rowPrinter } from './rows.mjs';
import { rounded } from './statistics.mjs';
import { StepServer } from './step-server.mjs';
import { findTorch, NO_TORCH, startTorch } from './torch-runner.mjs';

const FOLDER = path.join(import.meta.dirname, '../../packages/attacks/test/golden');
const ENGINE_SERVER = path.join(import.meta.dirname, 'engine/serve.mjs');
const NO_REFERENCE =
  'The reference implementation was not found, so nothing is compared: ' +
  'git clone https://github.com/fra31/auto-attack, then PYTHONPATH=/path/to/auto-attack.';

/** On the random ConvNeXt the radius is so small that nothing breaks: all attacks run to the end on both sides. */
const CASES = {
  'A2-Linf': { network: 'A2', norm: 'Linf', eps: 0.2, points: 200 },
  'A2-L2': { network: 'A2', norm: 'L2', eps: 2.25, points: 200 },
  'A2-L1': { network: 'A2', norm: 'L1', eps: 20, points: 200 },
  'convnext-Linf': { network: 'convnext_femto_conv_stem', norm: 'Linf', eps: 1e-6, points: 8, imageSize: 32 },
};
const DEFAULT_CASES = ['A2-Linf', 'A2-L1', 'convnext-Linf'];

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    case: { type: 'string', multiple: true, default: DEFAULT_CASES },
    threads: { type: 'string', default: String(os.availableParallelism()) },
    repeats: { type: 'string', default: '1' },
  },
});
const rival = await findReference();
const print = rowPrinter(
  {
    case: 14,
    threads: 7,
    seconds: 8,
    torch_s: 8,
    ratio: 6,
    cpu_s: 8,
    torch_cpu_s: 11,
    cpu_ratio: 9,
    robust: 6,
    torch_robust: 12,
  },
  options,
);
for (const name of options.case) {
  if (!CASES[name]) throw new Error(`unknown case ${name}: use ${Object.keys(CASES).join(', ')}`);
  print(await measure(name));
}

async function findReference() {
  const [torch] = await findTorch();
  if (!torch) return void console.error(NO_TORCH);
  const server = await startTorch(torch);
  const found = await server.call('autoattack_run', 'available');
  await server.close();
  if (!found) console.error(NO_REFERENCE);
  return found ? torch : undefined;
}

/** Both sides in turn, in a process of its own each time; the fastest run of each counts. */
async function measure(name) {
  const settings = {
    seed: 0,
    imageSize: 16,
    folder: FOLDER,
    threads: Number(options.threads),
    ...CASES[name],
  };
  const ours = [];
  const theirs = [];
  for (let repeat = 0; repeat < Number(options.repeats); repeat++) {
    ours.push(
      await runOnce(await StepServer.start(process.execPath, [ENGINE_SERVER]), 'autoattack-run', settings),
    );
    if (rival) theirs.push(await runOnce(await startTorch(rival, settings), 'autoattack_run', settings));
  }
  const [own, reference] = [fastest(ours), fastest(theirs)];
  return {
    case: name,
    threads: settings.threads,
    seconds: rounded(own.seconds),
    torch_s: rounded(reference?.seconds),
    ratio: rounded(own.seconds / reference?.seconds),
    cpu_s: rounded(own.cpuSeconds),
    torch_cpu_s: rounded(reference?.cpuSeconds),
    cpu_ratio: rounded(own.cpuSeconds / reference?.cpuSeconds),
    robust: own.robust,
    torch_robust: reference?.robust ?? null,
    points: settings.points,
    torch_version: rival?.version ?? null,
    forward_images: own.forwardImages,
    backward_images: own.backwardImages,
    stages: own.stages,
    engine_s: rounded(own.engineSeconds),
    compile_s: rounded(own.compileSeconds),
    plans: own.plans,
    fallbacks: own.fallbacks,
  };
}

async function runOnce(server, module, settings) {
  try {
    return await server.call(module, 'run', settings);
  } finally {
    await server.close();
  }
}

function fastest(runs) {
  return runs.sort((a, b) => a.cpuSeconds - b.cpuSeconds)[0];
}
