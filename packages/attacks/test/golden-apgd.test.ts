/** APGD against the recorded runs of case 03, with the noise that the reference drew. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createBall, type LossName, type NormName } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';

import { apgdProgram } from '../src/apgd.js';
import { apgdRun } from '../src/apgd-run.js';
import { towards } from '../src/apgd-t.js';
import { untargeted } from '../src/ascent.js';
import type { StepEvent } from '../src/attack.js';
import type { RunContext } from '../src/define-attack.js';
import { ModelEvaluator } from '../src/model-evaluator.js';
import { runPrograms } from '../src/sample-program.js';
import { makeSamples, targetClasses, type Sample } from '../src/sample.js';
import { backendsUnderTest, useTestBackend } from './backends.js';
import { golden, nhwc } from './golden.js';
import { goldenNetwork, type GoldenNetwork } from './golden-network.js';

const traces = golden('03_apgd_traces');
const POINTS = 16;
const SIZE = 768;
const SHAPE = [POINTS, 3, 16, 16];

interface RunParameters {
  n_iter: number;
  eps: number;
  loss: LossName;
  variant: string;
  acc_per_iteration: number[];
  loss_best_sum_per_iteration: number[];
}
const parameters = traces.params.runs as unknown as Record<string, RunParameters>;

const row = (values: Float32Array, index: number) => values.slice(index * SIZE, (index + 1) * SIZE);

/** Repeats a recorded run; events[step][point], of the last stage. */
async function repeat(name: string, network: GoldenNetwork) {
  const { n_iter: steps, eps, loss, variant } = parameters[name];
  const norm = name.split('_')[0] as NormName;
  const input = {
    pixels: nhwc(traces.floats('x'), SHAPE),
    imageShape: [16, 16, 3] as const,
    count: POINTS,
    labels: Int32Array.from(traces.numbers('y')),
    softLabels: null,
    sampleIds: Array.from({ length: POINTS }, (_, i) => i),
  };
  const noise = nhwc(traces.floats(`noise_${norm}`), SHAPE);
  const recordedStart = nhwc(traces.floats(`start_${norm}`), SHAPE);
  const events: StepEvent[][] = [];
  const context: RunContext = {
    name: 'apgd',
    numClasses: 10,
    imageShape: input.imageShape,
    random: (sampleId) =>
      ({
        uniforms: () => row(noise, sampleId),
        normals: () => row(noise, sampleId),
      }) as unknown as ReturnType<RunContext['random']>,
    onStep: (event) => {
      (events[event.step] ??= [])[event.index] = {
        ...event,
        image: event.image.slice(),
        gradient: event.gradient && event.gradient.slice(),
      };
    },
    report: (finding) => expect(finding).toBeUndefined(),
  };
  const evaluator = new ModelEvaluator(network.classify, input.imageShape);
  const samples = await makeSamples(evaluator, input, { name });
  const options = {
    norm,
    eps,
    steps,
    restarts: 1,
    restart: 0,
    largerRadii: variant === 'large',
    firstRadius: 3,
    start: 'noise' as const,
    eotIterations: 1,
    stopWhenBroken: false,
  };
  const rank = Number(/rank(\d+)$/.exec(name)?.[1] ?? 0);
  const objective = (sample: Sample) =>
    rank > 0 ? towards(targetClasses(sample, 9)[rank - 2], loss, sample) : untargeted(loss, sample);
  await runPrograms(
    evaluator,
    POINTS,
    function* (index) {
      const sample = samples[index];
      if (variant !== 'xinit') return yield* apgdProgram(sample, [objective(sample)], options, context);
      const start = row(recordedStart, index);
      const { best } = yield* apgdRun(
        sample,
        createBall(norm, sample.image, eps),
        start,
        objective(sample),
        options,
        context,
      );
      return { success: false, ...best };
    },
    { name },
  );
  return { events, samples, evaluator };
}

/** Largest difference of each of the points of two stacks of images. */
function differences(got: Float32Array[], expected: Float32Array): number[] {
  return got.map((image, p) => {
    let worst = 0;
    for (let i = 0; i < SIZE; i++) worst = Math.max(worst, Math.abs(image[i] - expected[p * SIZE + i]));
    return worst;
  });
}

const count = (values: readonly boolean[]) => values.filter(Boolean).length;
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

const names = Object.keys(parameters);
/** On the cpu backend of tfjs, which is slow, only the runs whose iterates were recorded. */
const runsFor = (backend: string) =>
  backend === 'cpu' ? names.filter((name) => name.includes('_10_')) : names;

describe.each(backendsUnderTest())('APGD on %s', (backend) => {
  let network: GoldenNetwork;
  beforeAll(async () => {
    await useTestBackend(backend);
    network = goldenNetwork('A2');
  });
  afterAll(() => network.dispose());

  test.each(runsFor(backend))('%s', async (name) => {
    const { n_iter: steps, acc_per_iteration, loss_best_sum_per_iteration, variant } = parameters[name];
    const norm = name.split('_')[0];
    const tensors = tf.memory().numTensors;
    const { events, evaluator, samples } = await repeat(name, network);
    expect(tf.memory().numTensors).toBe(tensors);

    const last = events[events.length - 1];
    const lossBest = last.map(({ bestLoss }) => bestLoss);
    const expectedLoss = traces.numbers(`${name}_lossbest`);
    const robust = Array.from({ length: POINTS }, (_, p) => events.every((step) => step[p].correct));
    const expectedRobust = traces.numbers(`${name}_acc`).map(Boolean);
    if (rankOf(name)) expect(last.map(({ target }) => target)).toEqual(traces.numbers(`${name}_ytarget`));

    if (steps === 100) {
      const total = sum(expectedLoss);
      expect(Math.abs(sum(lossBest) - total)).toBeLessThanOrEqual(0.01 * Math.abs(total));
      expect(Math.abs(count(robust) - count(expectedRobust))).toBeLessThanOrEqual(1);
      if (variant === 'noise' && norm !== 'L1') {
        for (const step of [1, 22, 23, 41, 42]) {
          const sizes = traces.numbers(`${name}_stepsize`).slice((step - 1) * POINTS, step * POINTS);
          const equal = events[step].map(({ stepSize }, p) => Math.abs(stepSize - sizes[p]) < 1e-6);
          expect(count(equal)).toBeGreaterThanOrEqual(step <= 22 ? POINTS : POINTS - 1);
        }
      }
      return;
    }

    expect(evaluator.forwardImages).toBe(POINTS * (steps + 2));
    expect(evaluator.backwardImages).toBe(POINTS * steps);
    const close = lossBest.map((loss, p) => Math.abs(loss - expectedLoss[p]) <= 1e-4);
    expect(count(close)).toBeGreaterThanOrEqual(14);
    expect(Math.abs(sum(lossBest) - sum(expectedLoss))).toBeLessThanOrEqual(
      1e-3 * Math.abs(sum(expectedLoss)),
    );
    const robustUpTo = Array.from({ length: POINTS }, () => true);
    events.forEach((step, i) => {
      step.forEach(({ correct }, p) => (robustUpTo[p] &&= correct));
      expect(Math.abs(count(robustUpTo) - acc_per_iteration[i] * POINTS)).toBeLessThanOrEqual(1);
      if (i > 0) {
        const bestSum = sum(step.map(({ bestLoss }) => bestLoss));
        expect(bestSum).toBeCloseTo(loss_best_sum_per_iteration[i - 1], 2);
        if (steps > 10) return;
        const sizes = traces.numbers(`${name}_stepsize`).slice((i - 1) * POINTS, i * POINTS);
        step.forEach(({ stepSize }, p) => expect(stepSize).toBeCloseTo(sizes[p], 5));
      }
    });

    const start = events[0].map(({ image }) => image);
    // The reference's L1 projection cancels in float32: its recorded starts lie up to 1.2e-4 outside the ball.
    const tolerance = norm === 'L1' ? 1e-5 : 1e-6;
    expect(Math.max(...differences(start, nhwc(traces.floats(`start_${norm}`), SHAPE)))).toBeLessThanOrEqual(
      tolerance,
    );
    if (steps === 10) {
      const iterates = nhwc(traces.floats(`${name}_iter0_4`), [30, 3, 16, 16]);
      const got = [0, 1, 2, 3, 4].flatMap((step) => events[step].slice(0, 6).map(({ image }) => image));
      expect(count(differences(got, iterates).map((d) => d <= 1e-5))).toBeGreaterThanOrEqual(
        0.95 * got.length,
      );
    }
    for (const { image } of samples) expect(image.length).toBe(SIZE);
  });
});

function rankOf(name: string): boolean {
  return name.includes('rank');
}
