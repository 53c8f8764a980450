/**
 * AutoAttack's `strong` version against the recorded runs of the reference's `standard` one (golden case 07):
 *
 *   node tools/parity/strong.mjs [--run A2_Linf_0.2] [--backend onnx] [--json]
 *
 * Asked of each run: no more robust points than the reference left, with at most a fifth of its passes.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';

import { autoAttack } from '@revat/attacks';
import { useBackend } from '@revat/backend';
import { readGoldenCase, readGoldenImages, readGoldenNetwork } from '@revat/testing';
import * as tf from '@tensorflow/tfjs-core';

import { rowPrinter } from '../bench/rows.mjs';

const FOLDER =
  process.env.REVAT_REFERENCE ?? path.join(import.meta.dirname, '../../packages/attacks/test/golden');

const { values: options } = parseArgs({
  options: {
    run: { type: 'string', default: '' },
    backend: { type: 'string', default: 'onnx' },
    json: { type: 'boolean', default: false },
  },
});
await useBackend(options.backend);

const print = rowPrinter(
  { run: 32, points: 6, robust: 7, standard: 9, passes: 9, of_standard: 11, seconds: 8, verdict: 16 },
  options,
);
let failures = 0;
for (const [name, run] of Object.entries(readGoldenCase(FOLDER, '07_autoattack').params.runs)) {
  if (!name.startsWith(options.run) || run.version !== 'standard') continue;
  const row = compare(name, run, await runStrong(run));
  print(row);
  if (row.verdict !== 'as strong') failures++;
}
process.exitCode = failures ? 1 : 0;

async function runStrong({ model, n_points: count, norm, eps, seed }) {
  const network = readGoldenNetwork(FOLDER, model);
  const { images, labels } = readGoldenImages(
    FOLDER,
    Array.from({ length: count }, (_, i) => i),
  );
  const batch = tf.stack(images.map((image) => tf.tensor3d(image, [16, 16, 3])));
  const start = performance.now();
  const attack = autoAttack({ norm, eps, version: 'strong' });
  const { adversarial, success, diagnostics } = await attack.run(network.classify, batch, labels, { seed });
  const seconds = (performance.now() - start) / 1000;
  tf.dispose([batch, adversarial]);
  network.dispose();
  return { success, diagnostics, seconds };
}

function compare(
  name,
  { n_points: points, robust_accuracy: standard, passes_total: recorded },
  { success, diagnostics, seconds },
) {
  const robust = success.filter((broken) => broken === 0).length / points;
  const passes = diagnostics.forwardImages + diagnostics.backwardImages;
  const fraction = passes / (recorded.fwd_imgs_grad + recorded.fwd_imgs_nograd + recorded.bwd_imgs);
  const complaints = [robust > standard + 1e-6 && 'robust', fraction > 0.2 && 'passes'].filter(Boolean);
  return {
    run: name,
    points,
    robust: Number(robust.toFixed(4)),
    standard,
    passes,
    of_standard: Number(fraction.toFixed(4)),
    seconds: Number(seconds.toFixed(1)),
    verdict: complaints.join(', ') || 'as strong',
  };
}
