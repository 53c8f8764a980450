/** One timed step of a network on the engine: the counterpart of ../torch/network_step.py. */
import * as tf from '@tensorflow/tfjs-core';
import { deviceReport, flush, resetStats, stats, useBackend } from '@revat/backend';

import { createNetwork } from './networks.mjs';

const BATCHES = 4;
let prepared;

/** Starts the engine and the network. Returns the floating-point operations of one step. */
export async function prepare({ mode, model, batch, imageSize, threads }) {
  await useBackend('onnx', { threads });
  const network = createNetwork(model, imageSize);
  const shape = [batch, imageSize, imageSize, 3];
  const size = shape.reduce((product, extent) => product * extent);
  const images = Array.from({ length: BATCHES }, () => Float32Array.from({ length: size }, Math.random));
  const classes = tf.tidy(() => network.classify(tf.zeros(shape)).shape[1]);
  const indices = Array.from({ length: batch }, (_, i) => i % 10);
  const labels = tf.tidy(() => tf.cast(tf.oneHot(indices, classes), 'float32'));
  // What is recorded so far would make the first step another graph than the rest.
  flush();
  prepared = { ...network, shape, images, labels, step: MODES[mode], count: 0 };
  return { flops: 2 * network.macs * batch * PASSES[mode] };
}

/** Seconds of each of some steps: fresh images in, results read. */
export function steps({ count }) {
  return Array.from({ length: count }, step);
}

function step() {
  const { shape, images, count } = prepared;
  prepared.count++;
  const start = performance.now();
  const batch = tf.tensor4d(images[count % BATCHES], shape);
  prepared.step(batch);
  batch.dispose();
  return (performance.now() - start) / 1000;
}

/** Seconds of the first step, and how much of it the engine spent compiling. */
export function firstStep() {
  resetStats();
  const seconds = step();
  return { seconds, compileSeconds: stats().compileMs / 1000 };
}

/** Seconds that a step spends outside ONNX Runtime, the median of some: recording, gradients, keys, reading. */
export function overhead({ repeats }) {
  const overheads = Array.from({ length: repeats }, () => {
    resetStats();
    const seconds = step();
    const { runMs, compileMs } = stats();
    return compileMs > 0 ? Infinity : seconds - runMs / 1000;
  });
  return overheads.sort((a, b) => a - b)[repeats >> 1];
}

/** Peak resident memory of this process, MB. */
export function peakMb() {
  return process.resourceUsage().maxRSS / 1024;
}

/** Kernels that ran on the JavaScript kernels instead. */
export function fallbacks() {
  return stats().fallbacks;
}

export async function peakGflops() {
  return (await deviceReport({ measurePeak: true })).peakGflops;
}

const loss = (images) => {
  const { classify, labels } = prepared;
  return tf.neg(tf.sum(tf.mul(labels, tf.logSoftmax(classify(images)))));
};

const MODES = {
  forward(images) {
    const logits = prepared.classify(images);
    logits.dataSync();
    logits.dispose();
  },
  'input-gradient'(images) {
    const gradient = tf.grad(loss)(images);
    gradient.dataSync();
    gradient.dispose();
  },
  'weight-gradients'(images) {
    const { value, grads } = tf.variableGrads(
      () => tf.div(loss(images), images.shape[0]),
      prepared.variables,
    );
    flush();
    value.dataSync();
    tf.dispose([value, grads]);
  },
};

/** What a step costs in forward passes: the backward pass to the images, and to the weights as well, cost one more each. */
const PASSES = { forward: 1, 'input-gradient': 2, 'weight-gradients': 3 };
