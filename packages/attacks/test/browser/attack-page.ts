/** Runs in a browser and, for comparison, in Node: attacks in three norms on a linear model, on tfjs's cpu backend. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';

import { autoAttack } from '@revat/attacks';

export interface PageAttack {
  readonly success: number[];
  readonly adversarial: number[];
}

const SIDE = 4;
const FEATURES = SIDE * SIDE * 3;
const CLASSES = 5;
const IMAGES = 8;
/** Radii at which some of the images fall. */
const RADII = { Linf: 0.02, L2: 0.12, L1: 0.5 } as const;

/** Numbers in [0, 1) that look random. */
function scattered(count: number, factor: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => ((i + 1) * factor) % 1);
}

/** APGD and FAB, as AutoAttack runs them. */
export async function attackLinearModel(): Promise<Record<string, PageAttack>> {
  await tf.setBackend('cpu');
  const weights = tf.tensor2d(
    scattered(FEATURES * CLASSES, 0.6180339887).map((value) => 2 * value - 1),
    [FEATURES, CLASSES],
  );
  const model = (images: tf.Tensor4D) => tf.matMul<tf.Tensor2D>(tf.reshape(images, [-1, FEATURES]), weights);
  const images = tf.tensor4d(scattered(IMAGES * FEATURES, 0.7548776662), [IMAGES, SIDE, SIDE, 3]);
  const labels = tf.tidy(() => [...tf.argMax(model(images), 1).dataSync()]);
  const results: Record<string, PageAttack> = {};
  for (const norm of ['Linf', 'L2', 'L1'] as const) {
    const eps = RADII[norm];
    const attack = autoAttack({
      norm,
      eps,
      version: 'custom',
      attacks: [
        { name: 'apgd-ce', options: { steps: 10 } },
        { name: 'fab-t', options: { steps: 10 } },
      ],
    });
    const { success, adversarial } = await attack.run(model, images, labels, { seed: 0 });
    results[norm] = { success: [...success], adversarial: [...adversarial.dataSync()] };
    adversarial.dispose();
  }
  tf.dispose([weights, images]);
  return results;
}

/** What an attack says where the page forbids WebAssembly. */
export async function errorOfAttack(): Promise<string> {
  return attackLinearModel().then(
    () => 'none',
    (error: { code?: string; message: string }) => `${error.code}: ${error.message}`,
  );
}

Object.assign(globalThis, { attackLinearModel, errorOfAttack });
