/**
 * Runs in the browser: a small ConvNeXt's logits and input gradient on tfjs's cpu backend and on the engine. The test
 * bundles this page and calls `compareBackends`.
 */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { gelu, layerNorm } from '@revat/core';
import { deviceReport, diagnoseDevices, freeze, stats, useBackend } from '@revat/backend';

const SIDE = 16;
const BATCH = 2;
const WIDTHS = [16, 32];
const CLASSES = 10;

/** Deterministic weights, so that both backends compute the same network. */
function weights(shape: number[], seed: number): tf.Tensor {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const fanIn = size / shape[shape.length - 1];
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(seed + 1.7 * i) / Math.sqrt(fanIn)),
    shape,
  );
}

function block(x: tf.Tensor4D, width: number, seed: number): tf.Tensor4D {
  const kernel = weights([7, 7, width, 1], seed) as tf.Tensor4D;
  const mixed = tf.depthwiseConv2d(x, tf.mul(kernel, 0.2), 1, 'same');
  const normal = layerNorm(mixed, tf.ones([width]), weights([width], seed + 1) as tf.Tensor1D, 1e-6);
  const hidden = gelu(tf.matMul(tf.reshape(normal, [-1, width]), weights([width, 4 * width], seed + 2)));
  const projected = tf.matMul(hidden, weights([4 * width, width], seed + 3));
  return tf.add(x, tf.reshape(projected, x.shape)); // [B*H*W, C] -> [B, H, W, C]
}

function classify(images: tf.Tensor4D): tf.Tensor2D {
  const stem = tf.conv2d(images, weights([4, 4, 3, WIDTHS[0]], 1) as tf.Tensor4D, 4, 'valid');
  const first = block(stem, WIDTHS[0], 2);
  const down = tf.conv2d(first, weights([2, 2, WIDTHS[0], WIDTHS[1]], 7) as tf.Tensor4D, 2, 'valid');
  const pooled = tf.mean<tf.Tensor2D>(block(down, WIDTHS[1], 8), [1, 2]);
  return tf.matMul(pooled, weights([WIDTHS[1], CLASSES], 13));
}

async function logitsAndGradient(): Promise<Float32Array[]> {
  const shape = [BATCH, SIDE, SIDE, 3];
  const images = tf.abs(weights(shape, 17)) as tf.Tensor4D;
  const loss = (x: tf.Tensor) =>
    tf.neg(tf.sum(tf.slice(tf.logSoftmax(classify(x as tf.Tensor4D)), [0, 0], [BATCH, 1])));
  const results = [tf.tidy(() => classify(images)), tf.tidy(() => tf.grad(loss)(images))];
  return Promise.all(results.map(async (result) => (await result.data()) as Float32Array));
}

/** A product with a matrix that is large enough to stand beside the model, once it is frozen. */
async function largeProduct(isFrozen: boolean): Promise<Float32Array> {
  const matrix = weights([160, 160], 19);
  if (isFrozen) freeze([matrix]);
  return (await tf.matMul(weights([3, 160], 23), matrix).data()) as Float32Array;
}

async function compareBackends() {
  await useBackend('cpu');
  const expected = [...(await logitsAndGradient()), await largeProduct(false)];
  const report = await useBackend('onnx');
  const actual = [...(await logitsAndGradient()), await largeProduct(true)];
  const { runs, fallbacks } = stats();
  return {
    expected: expected.map((values) => [...values]),
    actual: actual.map((values) => [...values]),
    report,
    peak: (await deviceReport({ measurePeak: true })).peakGflops,
    diagnoses: await diagnoseDevices(),
    runs,
    fallbacks,
  };
}

// Not `window`: a bundler may make one script of all, which the threads of ONNX Runtime then load too.
Object.assign(globalThis, { compareBackends });
