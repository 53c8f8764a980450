/** Every recorded AutoAttack run in full: verdicts, robust accuracy after the first attack, passes; and `strong` against it. */
import { beforeAll, describe, expect, test } from '@jest/globals';

import { useTestBackend } from './backends.js';
import { flagsThatDiffer, recordedRuns, repeatRun } from './golden-auto-attack.js';

beforeAll(() => useTestBackend(process.env.REVAT_BACKEND ?? 'onnx'));

describe.each(Object.keys(recordedRuns))('%s', (name) => {
  const run = recordedRuns[name];
  const { fwd_imgs_grad, fwd_imgs_nograd, bwd_imgs } = run.passes_total;

  test('equals the reference', async () => {
    const repeated = await repeatRun(name);
    const { stages, forwardImages, backwardImages } = repeated.result.diagnostics;
    const afterFirst = stages![0].robustAfter / run.n_points;
    // 2 of 100 points; of 40 points one is 2.5 %.
    const onePoint = 1 / run.n_points;
    expect(Math.abs(repeated.robustAccuracy - run.robust_accuracy)).toBeLessThanOrEqual(
      Math.max(0.01, onePoint) + 1e-9,
    );
    expect(flagsThatDiffer(repeated)).toBeLessThanOrEqual(Math.max(1, 0.02 * run.n_points));
    expect(Math.abs(afterFirst - run.attacks[0].robust_accuracy_after)).toBeLessThanOrEqual(
      Math.max(0.02, onePoint) + 1e-9,
    );
    expect(stages!.map(({ attack }) => attack)).toEqual(run.attacks.map(({ attack }) => attack));
    expect(backwardImages).toBeLessThanOrEqual(bwd_imgs);
    expect(forwardImages).toBeLessThanOrEqual(fwd_imgs_grad + fwd_imgs_nograd);
  });

  if (run.version !== 'standard') return;
  test('strong: no more robust points, a fifth of the passes', async () => {
    const { result, robustAccuracy } = await repeatRun(name, run.n_points, 'strong');
    const { forwardImages, backwardImages } = result.diagnostics;
    expect(robustAccuracy).toBeLessThanOrEqual(run.robust_accuracy);
    expect(5 * (forwardImages + backwardImages)).toBeLessThanOrEqual(
      fwd_imgs_grad + fwd_imgs_nograd + bwd_imgs,
    );
  });
});
