/** Repeats a recorded AutoAttack run of case 07, or the first points of it. */
import { expect } from '@jest/globals';
import type { NormName } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';

import type { AttackResult } from '../src/attack.js';
import { autoAttack } from '../src/auto-attack.js';
import type { Version } from '../src/auto-attack-protocol.js';
import { golden } from './golden.js';
import { goldenImages, goldenNetwork } from './golden-network.js';

export interface RecordedRun {
  readonly model: 'A1' | 'A2';
  readonly norm: NormName;
  readonly eps: number;
  readonly seed: number;
  readonly version: Version;
  readonly n_points: number;
  readonly noise_sigma: number;
  readonly robust_accuracy: number;
  readonly attacks: readonly { readonly attack: string; readonly robust_accuracy_after: number }[];
  readonly passes_total: {
    readonly fwd_imgs_grad: number;
    readonly fwd_imgs_nograd: number;
    readonly bwd_imgs: number;
  };
}

const recorded = golden('07_autoattack');
export const recordedRuns = recorded.params.runs as unknown as Readonly<Record<string, RecordedRun>>;

export interface Repeated {
  readonly result: AttackResult;
  /** 1 = robust, by the reference. */
  readonly expected: readonly number[];
  readonly robustAccuracy: number;
}

/** Runs `version` (by default the recorded one) on the first `points`. Checks that no tensor is left behind. */
export async function repeatRun(
  name: string,
  points = recordedRuns[name].n_points,
  version?: Version,
): Promise<Repeated> {
  const run = recordedRuns[name];
  const { images, labels } = goldenImages(Array.from({ length: points }, (_, i) => i));
  const network = goldenNetwork(run.model);
  const pixels = new Float32Array(points * 768);
  images.forEach((image, i) => pixels.set(image, i * 768));
  const batch = tf.tensor4d(pixels, [points, 16, 16, 3]);
  // The noisy network of one run: Gaussian noise on the input, another at every pass.
  const classify = (inputs: tf.Tensor4D) => {
    if (run.noise_sigma === 0) return network.classify(inputs);
    return tf.tidy(() => network.classify(tf.add(inputs, tf.randomNormal(inputs.shape, 0, run.noise_sigma))));
  };
  const tensors = tf.memory().numTensors;
  const attack = autoAttack({ norm: run.norm, eps: run.eps, version: version ?? run.version });
  const result = await attack.run(classify, batch, labels, { seed: run.seed });
  expect(tf.memory().numTensors).toBe(tensors + 1);
  tf.dispose([batch, result.adversarial]);
  network.dispose();
  const robust = points - result.success.reduce((sum, broken) => sum + broken, 0);
  return {
    result,
    expected: recorded.numbers(`${name}_robust`).slice(0, points),
    robustAccuracy: robust / points,
  };
}

/** Points whose verdict is not the reference's. */
export function flagsThatDiffer({ result, expected }: Repeated): number {
  return expected.filter((robust, i) => robust === result.success[i]).length;
}
