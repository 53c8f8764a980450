/**
 * AutoAttack against the complete runs recorded from the reference implementation (golden case 07), on the onnx engine:
 *
 *   npm run test:parity -- [--run A2_Linf_0.2] [--backend onnx] [--threads 2] [--json]
 *
 * `--run` chooses by the beginning of the name; without it all 17 runs are repeated, which takes about half an hour on two
 * cores. Asked of each run: robust accuracy within 1 point, that after the first attack within 2, flags different on at most 2 %
 * of the points, and no more forward and backward passes than the reference counted. REVAT_REFERENCE names another folder
 * of cases than the repository's copy. Then the long cases of FAB (all points, all targets) and APGD (100 steps) run through jest.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { autoAttack } from '@revat/attacks';
import { useBackend } from '@revat/backend';
import { readGoldenCase, readGoldenImages, readGoldenNetwork } from '@revat/testing';
import * as tf from '@tensorflow/tfjs-core';

import { rowPrinter } from '../bench/rows.mjs';

const ROOT = path.join(import.meta.dirname, '../..');
const FOLDER = process.env.REVAT_REFERENCE ?? path.join(ROOT, 'packages/attacks/test/golden');
/** In the recorded `broken_by`: misclassified when clean, robust to all attacks. */
const [CLEAN, ROBUST] = [-1, 99];

const { values: options } = parseArgs({
  options: {
    run: { type: 'string', default: '' },
    backend: { type: 'string', default: 'onnx' },
    threads: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
await useBackend(options.backend, options.threads ? { threads: Number(options.threads) } : {});

const recorded = readGoldenCase(FOLDER, '07_autoattack');
const print = rowPrinter(
  {
    run: 32,
    points: 6,
    robust: 7,
    reference: 9,
    flags_off: 9,
    forward: 8,
    ref_forward: 11,
    backward: 8,
    ref_backward: 12,
    seconds: 8,
    verdict: 20,
  },
  options,
);
let failures = 0;
for (const [name, reference] of Object.entries(recorded.params.runs)) {
  if (!name.startsWith(options.run)) continue;
  const row = compare(name, reference, await repeat(reference));
  print(row);
  if (row.verdict !== 'same') failures++;
}
if (!options.run) failures += repeatLongCases();
process.exitCode = failures ? 1 : 0;

/** Repeats a recorded run with our AutoAttack. */
async function repeat({ model, n_points: count, norm, eps, version, seed, noise_sigma: sigma = 0 }) {
  const network = readGoldenNetwork(FOLDER, model);
  const { images, labels } = readGoldenImages(
    FOLDER,
    Array.from({ length: count }, (_, i) => i),
  );
  const batch = tf.stack(images.map((image) => tf.tensor3d(image, [16, 16, 3])));
  const noisy = (x) => tf.tidy(() => network.classify(tf.add(x, tf.randomNormal(x.shape, 0, sigma))));
  const start = performance.now();
  const { adversarial, success, diagnostics } = await autoAttack({ norm, eps, version }).run(
    sigma ? noisy : network.classify,
    batch,
    labels,
    { seed },
  );
  const seconds = (performance.now() - start) / 1000;
  tf.dispose([batch, adversarial]);
  network.dispose();
  return { success, diagnostics, seconds };
}

function compare(name, reference, { success, diagnostics, seconds }) {
  const count = reference.n_points;
  const brokenBy = recorded.numbers(`${name}_broken_by`);
  const passes = reference.passes_total;
  const referenceForward = passes.fwd_imgs_grad + passes.fwd_imgs_nograd;
  const robust = success.filter((flag) => flag === 0).length / count;
  const flagsOff = brokenBy.filter((attack, i) => (attack === ROBUST) !== (success[i] === 0)).length;
  const afterFirst = diagnostics.stages[0].robustAfter / count;
  const referenceAfterFirst = brokenBy.filter((attack) => attack !== CLEAN && attack !== 0).length / count;

  // A random model's verdicts are luck, and with them the number of images that the second attack sees: both are compared loosely.
  const tolerance = reference.noise_sigma ? 0.1 : 0.01;
  const allowance = reference.noise_sigma ? 1.1 : 1;
  const complaints = [
    Math.abs(robust - reference.robust_accuracy) > tolerance + 1e-6 && 'accuracy',
    Math.abs(afterFirst - referenceAfterFirst) > Math.max(0.02, tolerance) + 1e-6 && 'first attack',
    flagsOff > Math.max(0.02, tolerance) * count && 'flags',
    diagnostics.forwardImages > referenceForward * allowance && 'forward',
    diagnostics.backwardImages > passes.bwd_imgs * allowance && 'backward',
  ].filter(Boolean);
  return {
    run: name,
    points: count,
    robust: Number(robust.toFixed(4)),
    reference: reference.robust_accuracy,
    after_first: Number(afterFirst.toFixed(4)),
    ref_after_first: Number(referenceAfterFirst.toFixed(4)),
    flags_off: flagsOff,
    forward: diagnostics.forwardImages,
    ref_forward: referenceForward,
    backward: diagnostics.backwardImages,
    ref_backward: passes.bwd_imgs,
    seconds: Number(seconds.toFixed(1)),
    verdict: complaints.join(', ') || 'same',
  };
}

/** FAB with all points and targets, APGD with 100 steps: 0 when they pass. */
function repeatLongCases() {
  const jest = path.join(ROOT, 'node_modules/jest/bin/jest.js');
  const { status } = spawnSync(
    process.execPath,
    [jest, 'src/fab.test', 'test/golden-', '--testTimeout=600000'],
    {
      cwd: path.join(ROOT, 'packages/attacks'),
      env: { ...process.env, REVAT_PARITY: '1', REVAT_BACKEND: options.backend },
      stdio: ['ignore', options.json ? 'ignore' : 'inherit', 'inherit'],
    },
  );
  return status === 0 ? 0 : 1;
}
