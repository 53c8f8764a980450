/**
 * The engine against PyTorch, on the same machine, in turn, with the same threads and fresh images at every step:
 *
 *   npm run -s bench:engine -- [--json] [--case forward] [--model vit_small] [--batch 8] [--bursts 9] [--threads 2]
 *
 * `engine_s` and `torch_s` are the best of the steps, which other load on the machine disturbs least; `ratio` is their
 * quotient, below 1 the engine is faster; medians are in the JSON rows. `peak_fraction` is the achieved share of
 * the matrix-multiply peak measured in the same process, `peak_mb` the engine process's peak resident memory. Each case
 * runs in processes of its own. Pythons: see torch-runner.mjs; of several the faster one is compared with.
 */
import { parseArgs } from 'node:util';
import os from 'node:os';
import path from 'node:path';

import { rowPrinter } from './rows.mjs';
import { median, rounded } from './statistics.mjs';
import { StepServer } from './step-server.mjs';
import { findTorch, NO_TORCH, startTorch } from './torch-runner.mjs';

const MODES = ['forward', 'input-gradient', 'weight-gradients'];
const CASES = [
  ...['convnext_tiny', 'vit_small'].flatMap((model) =>
    [4, 8].flatMap((batch) => MODES.map((mode) => ({ mode, model, batch, imageSize: 224 }))),
  ),
  ...MODES.map((mode) => ({ mode, model: 'convnext_femto_conv_stem', batch: 64, imageSize: 32 })),
  ...MODES.slice(0, 2).map((mode) => ({ mode, model: 'small_conv_net', batch: 150, imageSize: 16 })),
  { mode: 'input-gradient', model: 'convnext_base', batch: 4, imageSize: 224 },
];
const COLUMNS = {
  case: 16,
  model: 24,
  batch: 5,
  threads: 7,
  engine_s: 8,
  torch_s: 8,
  torch_version: 13,
  ratio: 6,
};
const MORE_COLUMNS = {
  gflops: 7,
  peak_fraction: 13,
  peak_mb: 7,
  torch_peak_mb: 13,
  first_step_s: 12,
  overhead_ms: 11,
};
/** Lets the other side's threads fall asleep. */
const PAUSE_MS = 30;
/** Steps are measured in bursts, warm as those of an attack or a training run are. */
const BURST_SECONDS = 1;
const MOST_IN_BURST = 40;
const WARM_UP_STEPS = 5;
const ENGINE_SERVER = path.join(import.meta.dirname, 'engine/serve.mjs');

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    case: { type: 'string' },
    model: { type: 'string' },
    batch: { type: 'string' },
    bursts: { type: 'string', default: '9' },
    threads: { type: 'string', default: String(os.availableParallelism()) },
  },
});
const threads = Number(options.threads);
const torch = await fasterTorch(await findTorch());
if (!torch) console.error(NO_TORCH);
const print = rowPrinter({ ...COLUMNS, ...MORE_COLUMNS }, options);
for (const benchmark of CASES) if (isChosen(benchmark)) print(await measure(benchmark));

function isChosen({ mode, model, batch }) {
  const { case: wantedMode = mode, model: wantedModel = model, batch: wantedBatch = batch } = options;
  return mode === wantedMode && model === wantedModel && String(batch) === String(wantedBatch);
}

/** The PyTorch with the faster forward pass. */
async function fasterTorch(candidates) {
  if (candidates.length < 2) return candidates[0];
  const timed = [];
  for (const candidate of candidates) {
    const server = await startTorch(candidate, { threads });
    const settings = { mode: 'forward', model: 'convnext_femto_conv_stem', batch: 8, imageSize: 32, threads };
    await server.call('network_step', 'prepare', settings);
    timed.push({
      candidate,
      seconds: Math.min(...(await server.call('network_step', 'steps', { count: 4 }))),
    });
    await server.close();
  }
  return timed.sort((a, b) => a.seconds - b.seconds)[0].candidate;
}

async function measure({ mode, model, batch, imageSize }) {
  const settings = { mode, model, batch, imageSize, threads };
  const engine = await StepServer.start(process.execPath, [ENGINE_SERVER]);
  const rival = torch && (await startTorch(torch, { threads }));
  try {
    const { flops } = await engine.call('network-step', 'prepare', settings);
    const firstStep = await engine.call('network-step', 'firstStep');
    await rival?.call('network_step', 'prepare', settings);
    const times = await interleave(engine, rival);
    const memory = await engine.call('network-step', 'peakMb');
    const torchMemory = await rival?.call('network_step', 'peak_mb');
    const overhead = await engine.call('network-step', 'overhead', { repeats: 5 });
    const peakGflops = await engine.call('network-step', 'peakGflops');
    const gflops = flops / times.engine / 1e9;
    return {
      case: mode,
      model,
      batch,
      threads,
      engine_s: rounded(times.engine),
      torch_s: rounded(times.torch),
      torch_version: torch?.version ?? null,
      ratio: rounded(times.engine / times.torch),
      gflops: rounded(gflops),
      peak_fraction: rounded(gflops / peakGflops),
      peak_mb: Math.round(memory),
      torch_peak_mb: torchMemory === undefined ? null : Math.round(torchMemory),
      first_step_s: rounded(firstStep.seconds),
      compile_s: rounded(firstStep.compileSeconds),
      overhead_ms: rounded(overhead * 1000),
      engine_median_s: rounded(times.engineMedian),
      torch_median_s: rounded(times.torchMedian),
      fallbacks: await engine.call('network-step', 'fallbacks'),
    };
  } finally {
    await Promise.all([engine.close(), rival?.close()]);
  }
}

/** Minima and medians of steps in bursts that alternate between the two sides. */
async function interleave(engine, rival) {
  const seconds = { engine: [], torch: [] };
  const [trial] = (await engine.call('network-step', 'steps', { count: WARM_UP_STEPS })).slice(-1);
  const count = Math.max(1, Math.min(MOST_IN_BURST, Math.round(BURST_SECONDS / trial)));
  await rival?.call('network_step', 'steps', { count: WARM_UP_STEPS });
  for (let i = 0; i < Number(options.bursts); i++) {
    await pause();
    seconds.engine.push(...(await engine.call('network-step', 'steps', { count })));
    await pause();
    if (rival) seconds.torch.push(...(await rival.call('network_step', 'steps', { count })));
  }
  return {
    engine: Math.min(...seconds.engine),
    torch: Math.min(...seconds.torch),
    engineMedian: median(seconds.engine),
    torchMedian: median(seconds.torch),
  };
}

function pause() {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
