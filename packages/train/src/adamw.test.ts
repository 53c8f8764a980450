import '@tensorflow/tfjs-backend-cpu';

import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';

import { AdamW, hasWeightDecay } from './adamw.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('AdamW', () => {
  // torch.optim.AdamW (2.13), the same gradients, learning rates .01, .02, .005, weight decay .05 for the matrix only.
  const GRADIENTS = [
    { weight: [0.1, -0.2, 0.3, 0.4], bias: [1e-3, -2] },
    { weight: [0, 0.5, -0.3, 1e-6], bias: [0.5, 0.5] },
    { weight: [-1, 0, 0.7, 2], bias: [0, -1] },
  ];
  const LEARNING_RATES = [0.01, 0.02, 0.005];
  const EXPECTED = [
    [
      [0.4897499978542328, -0.9894999861717224, 1.9889999628067017, 0.23987498879432678],
      [0.09000010043382645, -0.1899999976158142],
    ],
    [
      [0.4758591055870056, -0.9973548054695129, 1.9880635738372803, 0.22623389959335327],
      [0.07509060204029083, -0.18061062693595886],
    ],
    [
      [0.4786609411239624, -0.9988146424293518, 1.9849399328231812, 0.22253777086734772],
      [0.07220932841300964, -0.1775832623243332],
    ],
  ];
  const variables = () =>
    new Map<string, tf.Variable>([
      ['fc.weight', tf.tidy(() => tf.variable(tf.tensor2d([0.5, -1, 2, 0.25], [2, 2])))],
      ['fc.bias', tf.tidy(() => tf.variable(tf.tensor1d([0.1, -0.2])))],
    ]);

  const update = (optimizer: AdamW, step: number) =>
    tf.tidy(() =>
      optimizer.update(
        {
          'fc.weight': tf.tensor2d(GRADIENTS[step].weight, [2, 2]),
          'fc.bias': tf.tensor1d(GRADIENTS[step].bias),
        },
        LEARNING_RATES[step],
      ),
    );

  function expectClose(parameters: Map<string, tf.Variable>, [weight, bias]: number[][]) {
    [...parameters.get('fc.weight')!.dataSync()].forEach((value, i) =>
      expect(value).toBeCloseTo(weight[i], 6),
    );
    [...parameters.get('fc.bias')!.dataSync()].forEach((value, i) => expect(value).toBeCloseTo(bias[i], 6));
  }

  test('equals PyTorch over three steps and leaks nothing', () => {
    const before = tf.memory().numTensors;
    const parameters = variables();
    const optimizer = new AdamW(parameters, { weightDecay: 0.05 });
    EXPECTED.forEach((expected, step) => {
      update(optimizer, step);
      expectClose(parameters, expected);
    });
    expect(optimizer.steps).toBe(3);
    optimizer.dispose();
    tf.dispose([...parameters.values()]);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('continues from its saved state', () => {
    const parameters = variables();
    const first = new AdamW(parameters, { weightDecay: 0.05 });
    update(first, 0);
    update(first, 1);
    const second = new AdamW(parameters, { weightDecay: 0.05 });
    for (const [name, variable] of second.state())
      tf.tidy(() => variable.assign(tf.clone(first.state().get(name)!)));
    second.resumeAt(first.steps);
    update(second, 2);
    expectClose(parameters, EXPECTED[2]);
    first.dispose();
    second.dispose();
    tf.dispose([...parameters.values()]);
  });
});

test('weight decay spares biases and vectors, not position embeddings', () => {
  expect(hasWeightDecay('head.fc.weight', 2)).toBe(true);
  expect(hasWeightDecay('head.fc.bias', 1)).toBe(false);
  expect(hasWeightDecay('head.norm.weight', 1)).toBe(false);
  expect(hasWeightDecay('pos_embed', 3)).toBe(true);
});
