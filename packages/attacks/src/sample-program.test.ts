import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';

import { ModelEvaluator } from './model-evaluator.js';
import { runPrograms, type SampleProgram } from './sample-program.js';

beforeAll(async () => void (await tf.setBackend('cpu')));

/** Logits: the sum of the pixels, and its negative. */
const classify = (images: tf.Tensor4D) =>
  tf.tidy(() => {
    const sum = tf.sum(images, [1, 2, 3]);
    return tf.stack([sum, tf.neg(sum)], 1) as tf.Tensor2D;
  });

/** Asks `steps` times, the last time without a gradient; the answer must belong to the question. */
function* counting(index: number, steps: number): SampleProgram {
  const image = new Float32Array(4);
  const label = Float32Array.of(1, 0);
  let logits = new Float32Array(2) as Float32Array;
  for (let step = 1; step <= steps; step++) {
    image.fill(index + step / 100);
    const answer = yield step < steps ? { image, loss: 'margin', label } : { image, loss: null };
    logits = answer.logits;
    expect(logits[0]).toBeCloseTo(4 * (index + step / 100), 3);
    if (step < steps) expect([...answer.gradient]).toEqual([-2, -2, -2, -2]);
  }
  return { success: index % 2 === 0, image: image.slice(), logits };
}

test('many samples of different length, few rows: each gets its own answers, nothing is evaluated twice', async () => {
  const evaluator = new ModelEvaluator(classify, [2, 2, 1], 4);
  const steps = (index: number) => (index % 5) + (index % 3); // some finish without a question
  const progress: number[] = [];
  const before = tf.memory().numTensors;
  const outcomes = await runPrograms(evaluator, 30, (i) => counting(i, steps(i)), {
    name: 'test',
    onBatch: (finished) => progress.push(finished),
  });
  expect(tf.memory().numTensors).toBe(before);
  expect(outcomes.map(({ success }) => success)).toEqual(Array.from({ length: 30 }, (_, i) => i % 2 === 0));
  const total = Array.from({ length: 30 }, (_, i) => steps(i)).reduce((a, b) => a + b);
  const withoutGradient = Array.from({ length: 30 }, (_, i) => Math.min(steps(i), 1)).reduce((a, b) => a + b);
  expect(evaluator.forwardImages).toBe(total);
  expect(evaluator.backwardImages).toBe(total - withoutGradient);
  expect(progress[progress.length - 1]).toBe(30);
  expect(await runPrograms(evaluator, 0, (i) => counting(i, 1), { name: 'test' })).toEqual([]);
});

test('a timer fires between the evaluations of a backend that answers at once, and aborts', async () => {
  const evaluator = new ModelEvaluator(classify, [2, 2, 1]);
  const forever = function* (): SampleProgram {
    const image = new Float32Array(4);
    for (;;) yield { image, loss: null };
  };
  const before = tf.memory().numTensors;
  const run = runPrograms(evaluator, 2, forever, { name: 'test', signal: AbortSignal.timeout(150) });
  await expect(run).rejects.toMatchObject({ code: 'aborted' });
  expect(tf.memory().numTensors).toBe(before);
});

test('an error in a program ends the run and leaves no tensor', async () => {
  const evaluator = new ModelEvaluator(classify, [2, 2, 1]);
  const failing = function* (): SampleProgram {
    yield { image: new Float32Array(4), loss: null };
    throw new Error('from the program');
  };
  const before = tf.memory().numTensors;
  await expect(runPrograms(evaluator, 3, failing, { name: 'test' })).rejects.toThrow('from the program');
  expect(tf.memory().numTensors).toBe(before);
});
