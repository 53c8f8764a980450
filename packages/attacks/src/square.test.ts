import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomStream, type NormName } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';

import { backendsUnderTest, useTestBackend } from '../test/backends.js';
import { golden, nhwc } from '../test/golden.js';
import { goldenImages, goldenNetwork, type GoldenNetwork } from '../test/golden-network.js';
import type { RandomSource, StepEvent } from './attack.js';
import { windowFraction, windowSide } from './square-window.js';
import { square } from './square.js';

const SIZE = 16;
const recorded = golden('06_square');

/** A source that hands out, image by image, the uniform numbers behind the recorded windows and signs. */
function replay(norm: NormName): RandomSource {
  const array = (name: string) => recorded.numbers(`trace_${norm}_${name}`);
  const [images, channels, steps] = [8, 3, 220];
  const initSigns = array('init_sign');
  const signs = array('sign');
  const corners = array('pos');
  const asUniform = (flag: boolean) => (flag ? 0.75 : 0.25);

  const uniformsOf = (image: number): number[] => {
    const uniforms: number[] = [];
    if (norm === 'Linf') {
      for (let i = 0; i < channels * SIZE; i++)
        uniforms.push(asUniform(initSigns[image * channels * SIZE + i] > 0));
    } else {
      array('init_transpose').forEach((transposed, tile) => {
        uniforms.push(asUniform(transposed === 1));
        for (let c = 0; c < channels; c++)
          uniforms.push(asUniform(initSigns[(tile * images + image) * channels + c] > 0));
      });
    }
    const transposed = norm === 'Linf' ? [] : array('transpose');
    for (let step = 0; step < steps; step++) {
      const places = SIZE - windowSide(norm, windowFraction(0.8, step), SIZE, SIZE);
      for (const corner of corners.slice(4 * step, 4 * step + (norm === 'Linf' ? 2 : 4)))
        uniforms.push((corner + 0.5) / places);
      if (norm !== 'Linf') uniforms.push(asUniform(transposed[step] === 1));
      for (let c = 0; c < channels; c++)
        uniforms.push(asUniform(signs[(step * images + image) * channels + c] > 0));
    }
    return uniforms;
  };

  return (_attack, image) => {
    const uniforms = uniformsOf(image);
    let next = 0;
    return Object.assign(randomStream(0), { uniform: () => uniforms[next++] });
  };
}

interface Trace {
  margins: number[];
  start: Float32Array;
  best: Float32Array;
  bestLoss: number;
}

/** tfjs's cpu backend is slow: the first windows only. */
const queriesOn = (backend: string) => (backend === 'cpu' ? 15 : 220);

describe.each(
  backendsUnderTest().flatMap((backend) => [
    { backend, norm: 'Linf' as const, eps: 0.15, share: 1 },
    { backend, norm: 'L2' as const, eps: 1.5, share: 1 },
    { backend, norm: 'L1' as const, eps: 12, share: 0.9 },
  ]),
)('square $norm replays the recorded run of the reference on $backend', ({ backend, norm, eps, share }) => {
  const queries = queriesOn(backend);
  const { images, labels } = goldenImages(recorded.numbers('trace_idx'));
  const traces: Trace[] = images.map(() => ({
    margins: [],
    start: new Float32Array(0),
    best: new Float32Array(0),
    bestLoss: -Infinity,
  }));
  let network: GoldenNetwork;

  beforeAll(async () => {
    await useTestBackend(backend);
    network = goldenNetwork('A2');
    const record = ({ index, step, loss, image }: StepEvent) => {
      const trace = traces[index];
      if (step === 0) trace.start = Float32Array.from(image);
      trace.margins.push(-loss);
      if (loss > trace.bestLoss) Object.assign(trace, { bestLoss: loss, best: Float32Array.from(image) });
    };
    const batch = tf.stack(images.map((image) => tf.tensor3d(image, [SIZE, SIZE, 3]))) as tf.Tensor4D;
    const result = await square({ norm, eps, queries }).run(network.classify, batch, labels, {
      random: replay(norm),
      onStep: record,
    });
    tf.dispose([batch, result.adversarial]);
  });
  afterAll(() => network.dispose());

  test('starting points', () => {
    const expected = nhwc(recorded.floats(`trace_${norm}_x0`), [8, 3, SIZE, SIZE]);
    const margins = recorded.floats(`trace_${norm}_margin0`);
    traces.forEach(({ start, margins: own }, i) => {
      expect(
        largestDifference(start, expected.subarray(i * start.length, (i + 1) * start.length)),
      ).toBeLessThan(1e-5);
      expect(Math.abs(own[0] - margins[i])).toBeLessThan(1e-4);
    });
  });

  test('margins of all candidates', () => {
    const margins = recorded.floats(`trace_${norm}_margin`);
    let active = 0;
    let close = 0;
    for (let step = 0; step < queries; step++) {
      traces.forEach(({ margins: own }, i) => {
        const expected = margins[step * 8 + i];
        if (expected > 1e8) return;
        active++;
        if (Math.abs(own[step + 1] - expected) < 1e-4) close++;
      });
    }
    expect(close / active).toBeGreaterThanOrEqual(share);
  });

  test('number of queries and the best points', () => {
    if (queries < 220) return;
    const used = recorded.numbers(`trace_${norm}_nqueries`);
    const best = nhwc(recorded.floats(`trace_${norm}_xbest`), [8, 3, SIZE, SIZE]);
    const same = traces.filter(({ margins, best: own }, i) => {
      const difference = largestDifference(own, best.subarray(i * own.length, (i + 1) * own.length));
      return margins.length === used[i] && difference < 1e-4;
    });
    expect(same.length).toBeGreaterThanOrEqual(Math.floor(8 * share));
  });
});

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i])), 0);
}
