import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { gelu, layerNorm } from '@revat/core';

import { resetStats, stats } from '../src/engine-control.js';
import { sample, startEngine, valuesOn } from './engines.js';

type Case = [name: string, compute: () => tf.Tensor | tf.Tensor[]];

const image = (batch: number, size: number, channels: number, seed = 1) =>
  sample([batch, size, size, channels], seed) as tf.Tensor4D;
const filter = (height: number, width: number, inputs: number, outputs: number) =>
  sample([height, width, inputs, outputs], 7) as tf.Tensor4D;
const ids = (...values: number[]) => tf.tensor1d(values, 'int32');

/** The result and the gradients of its weighted sum, which no symmetry can hide an error from. */
function withGradients(f: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[]): tf.Tensor[] {
  const weighted = (...t: tf.Tensor[]) => {
    const y = f(...t);
    return tf.sum(tf.mul(y, sample(y.shape, 99)));
  };
  return [f(...inputs), ...tf.grads(weighted)(inputs)];
}

const convolution = (
  [batch, size, channels, outputs]: number[],
  kernel: number,
  stride: number,
  pad: 'same' | 'valid' | number,
  dilation = 1,
): Case => [
  `conv2d ${[batch, size, channels, outputs]} kernel ${kernel} stride ${stride} pad ${pad} dilation ${dilation}`,
  () => {
    const inputs = [image(batch, size, channels), filter(kernel, kernel, channels, outputs)];
    const conv = (x: tf.Tensor, w: tf.Tensor) =>
      tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, pad, 'NHWC', dilation);
    return dilation === 1 ? withGradients(conv, inputs) : conv(inputs[0], inputs[1]);
  },
];

const depthwise = (
  [batch, size, channels]: number[],
  kernel: number,
  stride: number,
  pad: 'same' | 'valid' | number,
): Case => [
  `depthwise ${[batch, size, channels]} kernel ${kernel} stride ${stride} pad ${pad}`,
  () =>
    withGradients(
      (x, w) => tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, pad),
      [image(batch, size, channels), filter(kernel, kernel, channels, 1)],
    ),
];

const biased = (
  name: string,
  outputs: number,
  after: (y: tf.Tensor, plain: tf.Tensor) => tf.Tensor,
): Case => [
  `conv2d with a bias, ${name}`,
  () =>
    withGradients(
      (x, w, bias) => {
        const plain = tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same');
        return after(tf.add(plain, bias), plain);
      },
      [image(2, 8, 3), filter(3, 3, 3, outputs), sample([outputs], 4)],
    ),
];

const CONVOLUTIONS: Case[] = [
  convolution([2, 8, 16, 32], 3, 1, 'same'),
  convolution([1, 9, 32, 16], 3, 1, 'valid'),
  convolution([2, 8, 16, 16], 5, 1, 2),
  convolution([2, 8, 3, 16], 3, 1, 'same'),
  convolution([2, 9, 3, 48], 3, 2, 'same'),
  convolution([2, 8, 16, 48], 3, 2, 1),
  convolution([1, 10, 5, 7], 3, 2, 'valid'),
  convolution([2, 7, 4, 6], 2, 3, 'valid'),
  convolution([2, 8, 3, 8], 4, 4, 'valid'),
  convolution([2, 8, 6, 5], 1, 1, 'same'),
  convolution([2, 8, 16, 32], 1, 2, 'valid'),
  convolution([1, 12, 16, 16], 3, 1, 'same', 2),
  convolution([2, 8, 3, 8], 3, 2, 'same'),
  convolution([1, 9, 8, 1], 5, 1, 2),
  convolution([3, 7, 16, 10], 3, 1, 'same'),
  convolution([2, 9, 16, 20], 3, 2, 'valid'),
  convolution([1, 12, 16, 24], 3, 1, 'same', 2),
  convolution([2, 8, 3, 40], 1, 2, 'valid'),
  convolution([2, 8, 16, 48], 3, 2, 'same'),
  convolution([2, 8, 32, 16], 3, 2, 'valid'),
  convolution([2, 8, 16, 16], 5, 2, 2),
  convolution([1, 8, 16, 16], 4, 2, 1),
  convolution([1, 9, 16, 16], 5, 3, 'same'),
  convolution([1, 9, 16, 32], 5, 3, 2),
  [
    'conv2d of a conv2d whose last block of channels is not full',
    () =>
      withGradients(
        (x, v, w) =>
          tf.conv2d(tf.conv2d(x as tf.Tensor4D, v as tf.Tensor4D, 1, 'same'), w as tf.Tensor4D, 2, 1),
        [image(2, 8, 16), filter(3, 3, 16, 24), sample([3, 3, 24, 16], 8)],
      ),
  ],
  [
    'conv2d of five channels with bias and activation, fused',
    () =>
      tf.fused.conv2d({
        x: image(2, 9, 3),
        filter: filter(3, 3, 3, 5),
        strides: 2,
        pad: 'same',
        bias: sample([5], 3),
        activation: 'relu',
      }),
  ],
  biased('16 channels', 16, (y) => tf.relu(y)),
  biased('10 channels', 10, (y) => tf.relu(y)),
  biased('16 channels, needed without it too', 16, (y, plain) => tf.mul(y, plain)),
  biased('10 channels, twice', 10, (y) =>
    tf.add(tf.conv2d(y as tf.Tensor4D, filter(3, 3, 10, 5), 1, 'same'), sample([5], 6)),
  ),
  [
    'conv2d with a bias that depends on it',
    () => {
      const y = tf.conv2d(image(2, 8, 3), filter(3, 3, 3, 16), 1, 'same');
      return tf.add(y, tf.mean(y, [0, 1, 2]));
    },
  ],
  [
    'depthwise with a computed bias',
    () => {
      const y = tf.depthwiseConv2d(image(2, 8, 16), filter(3, 3, 16, 1), 1, 'same');
      return tf.add(y, tf.exp(sample([16], 5)));
    },
  ],
  [
    'conv2d plus a vector of one number',
    () => tf.add(tf.conv2d(image(2, 8, 3), filter(3, 3, 3, 16), 1, 'same'), sample([1], 5)),
  ],
  depthwise([2, 8, 16], 7, 1, 'same'),
  depthwise([1, 9, 32], 3, 2, 'same'),
  depthwise([3, 8, 16], 3, 2, 1),
  depthwise([2, 8, 5], 3, 1, 'same'),
  depthwise([2, 9, 5], 3, 2, 'valid'),
  depthwise([2, 11, 16], 3, 3, 'valid'),
];

const MATRICES: Case[] = [
  ['matMul', () => withGradients((a, b) => tf.matMul(a, b), [sample([5, 7], 1), sample([7, 3], 2)])],
  [
    'matMul of one row',
    () => withGradients((a, b) => tf.matMul(a, b), [sample([1, 7], 1), sample([7, 3], 2)]),
  ],
  ...[true, false].flatMap((transposeA) =>
    [true, false].map((transposeB): Case => [
      `matMul of stacks, transposed ${transposeA} ${transposeB}`,
      () =>
        tf.matMul(
          sample(transposeA ? [2, 3, 6, 4] : [2, 3, 4, 6], 1),
          sample(transposeB ? [2, 3, 5, 6] : [2, 3, 6, 5], 2),
          transposeA,
          transposeB,
        ),
    ]),
  ),
  ['matMul, a stack by one matrix', () => tf.matMul(sample([3, 4, 5], 1), sample([1, 5, 2], 2))],
  ['matMul, broadcast stacks', () => tf.matMul(sample([1, 4, 5], 1), sample([3, 5, 2], 2))],
  ['softmax', () => withGradients((x) => tf.softmax(x), [sample([3, 4, 10], 1)])],
  ['logSoftmax', () => withGradients((x) => tf.logSoftmax(x), [sample([3, 10], 1)])],
  ['gelu', () => withGradients((x) => gelu(tf.mul(x, 4)), [sample([5, 33], 1)])],
  [
    'gelu, second derivative',
    () => tf.grad((x) => tf.sum(tf.square(tf.grad((y) => tf.sum(tf.square(gelu(y))))(x))))(sample([4, 5], 3)),
  ],
  [
    'layerNorm',
    () =>
      withGradients(
        (x, gamma, beta) => layerNorm(x, gamma as tf.Tensor1D, beta as tf.Tensor1D, 1e-6),
        [sample([2, 3, 3, 24], 1), sample([24], 2), sample([24], 3)],
      ),
  ],
  [
    'batchNorm',
    () =>
      tf.batchNorm(
        image(2, 4, 6),
        sample([6], 1) as tf.Tensor1D,
        tf.abs(sample([6], 2)) as tf.Tensor1D,
        sample([6], 3) as tf.Tensor1D,
        sample([6], 4) as tf.Tensor1D,
      ),
  ],
];

const POOLS: Case[] = (
  [
    [2, 2, 'valid'],
    [3, 2, 'same'],
    [3, 2, 1],
    [3, 1, 'same'],
    [7, 7, 'valid'],
  ] as const
).flatMap(([window, stride, pad]): Case[] =>
  [5, 16].flatMap((channels): Case[] => [
    [
      `maxPool ${window} ${stride} ${pad} of ${channels} channels`,
      () => withGradients((x) => tf.maxPool(x as tf.Tensor4D, window, stride, pad), [image(2, 7, channels)]),
    ],
    [
      `avgPool ${window} ${stride} ${pad} of ${channels} channels`,
      () => withGradients((x) => tf.avgPool(x as tf.Tensor4D, window, stride, pad), [image(2, 7, channels)]),
    ],
  ]),
);

const RESIZES: Case[] = [true, false].flatMap((alignCorners): Case[] =>
  (
    [
      [3, 9],
      [12, 5],
      [1, 1],
    ] as [number, number][]
  ).flatMap((size): Case[] => [
    [
      `resizeBilinear to ${size}, corners ${alignCorners}`,
      () =>
        withGradients((x) => tf.image.resizeBilinear(x as tf.Tensor4D, size, alignCorners), [image(2, 6, 3)]),
    ],
    [
      `resizeNearestNeighbor to ${size}, corners ${alignCorners}`,
      () =>
        withGradients(
          (x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, size, alignCorners),
          [image(1, 6, 3)],
        ),
    ],
  ]),
);

const SHAPES: Case[] = [
  ['transpose', () => withGradients((x) => tf.transpose(x, [2, 0, 3, 1]), [sample([2, 3, 4, 5], 1)])],
  [
    'concat',
    () => withGradients((a, b) => tf.concat([a, b], 1), [sample([2, 3, 4], 1), sample([2, 2, 4], 2)]),
  ],
  ['stack, unstack', () => tf.unstack(tf.stack([sample([2, 3], 1), sample([2, 3], 2)], 1), 2)],
  ['split', () => tf.split(sample([2, 7, 3], 1), [2, 4, 1], 1)],
  ['slice', () => withGradients((x) => tf.slice(x, [1, 0, 2], [2, -1, 1]), [sample([4, 3, 5], 1)])],
  ['stridedSlice', () => tf.stridedSlice(sample([5, 6, 7], 1), [3, 5, 1], [0, 0, 6], [-1, -2, 3])],
  ['stridedSlice to the front', () => tf.stridedSlice(sample([5, 6], 1), [4, 5], [0, 0], [-2, -1], 3, 3)],
  [
    'pad',
    () =>
      withGradients(
        (x) =>
          tf.pad(
            x,
            [
              [1, 2],
              [0, 3],
            ],
            0.5,
          ),
        [sample([3, 4], 1)],
      ),
  ],
  [
    'mirrorPad',
    () => [
      tf.mirrorPad(
        sample([4, 5], 1),
        [
          [2, 1],
          [0, 3],
        ],
        'reflect',
      ),
      tf.mirrorPad(
        sample([4, 5], 1),
        [
          [2, 1],
          [4, 3],
        ],
        'symmetric',
      ),
    ],
  ],
  ['tile', () => withGradients((x) => tf.tile(x, [2, 1, 3]), [sample([2, 3, 1], 1)])],
  ['reverse', () => tf.reverse(sample([3, 4, 5], 1), [0, 2])],
  ['depthToSpace', () => tf.depthToSpace(image(2, 3, 8), 2, 'NHWC')],
  [
    'spaceToBatchND and back',
    () => {
      const batches = tf.spaceToBatchND(
        image(2, 5, 3),
        [2, 3],
        [
          [1, 0],
          [0, 1],
        ],
      );
      return [
        batches,
        tf.batchToSpaceND(
          batches,
          [2, 3],
          [
            [1, 0],
            [0, 1],
          ],
        ),
      ];
    },
  ],
  ['gather', () => withGradients((x) => tf.gather(x, ids(3, 0, 3, 1), 1), [sample([2, 4, 3], 1)])],
  [
    'a large embedding',
    () => withGradients((x) => tf.gather(x, tf.range(0, 2100, 1, 'int32')), [sample([2100, 2], 1)]),
  ],
  ['unsortedSegmentSum', () => tf.unsortedSegmentSum(sample([5, 2], 1), ids(0, 2, -1, 2, 9), 3)],
  ['oneHot', () => tf.oneHot(ids(2, 0, -1, 5), 4, 0.9, 0.1)],
  [
    'topk',
    () => {
      const { values, indices } = tf.topk(tf.round(tf.mul(sample([4, 9], 1), 3)), 4);
      return [values, indices];
    },
  ],
  ['cumsum', () => [tf.cumsum(sample([3, 5], 1), 1), tf.cumsum(sample([3, 5], 1), 0, true, true)]],
];

const REDUCTIONS: Case[] = [
  ...(['sum', 'mean', 'max', 'min', 'prod'] as const).flatMap((name): Case[] =>
    ([undefined, 0, [0, 2], -1] as (number | number[] | undefined)[]).map((axis): Case => [
      `${name} over ${String(axis)}`,
      () => [tf[name](sample([3, 4, 5], 1), axis), tf[name](sample([3, 4, 5], 1), axis, true)],
    ]),
  ),
  // 280 rows fall into groups, 263 do not: a prime number.
  ...[280, 263].map((rows): Case => [
    `reductions of ${rows} rows`,
    () => [
      tf.sum(sample([rows, 3], 1), 0),
      tf.mean(sample([2, rows, 5], 2), [0, 1], true),
      tf.max(sample([rows, 2], 3), 0),
      tf.prod(sample([rows, 2], 4), 0),
      tf.any(tf.greater(sample([rows, 2], 5), 0.999), 0),
      tf.sum(sample([rows], 6)),
    ],
  ]),
  [
    'gradients of sum and mean',
    () => [
      ...withGradients((x) => tf.sum(x, [0, 2]), [sample([3, 4, 5], 1)]),
      ...withGradients((x) => tf.mean(x, 1), [sample([3, 4, 5], 1)]),
    ],
  ],
  [
    'NaN in extremes',
    () => [tf.max(tf.tensor2d([1, NaN, 3, 4], [2, 2]), 1), tf.argMax(tf.tensor1d([1, NaN, 3, 2]))],
  ],
  [
    'all and any',
    () => {
      const x = tf.greater(sample([3, 4], 1), 0.2);
      return [tf.all(x, 0), tf.any(x, 1)];
    },
  ],
  ['argMax, argMin', () => [tf.argMax(sample([3, 4, 5], 1), 1), tf.argMin(sample([3, 4, 5], 1), 2)]],
];

const UNARY = [
  'abs',
  'neg',
  'square',
  'sqrt',
  'rsqrt',
  'reciprocal',
  'floor',
  'ceil',
  'round',
  'relu',
  'relu6',
  'sign',
  'exp',
  'log',
  'sigmoid',
  'tanh',
  'erf',
  'elu',
  'softplus',
  'sin',
  'cos',
  'sinh',
  'cosh',
  'asin',
  'acos',
  'atan',
  'asinh',
  'atanh',
  'selu',
  'leakyRelu',
  'isNaN',
  'isInf',
  'isFinite',
] as const;
const BINARY = [
  'add',
  'sub',
  'mul',
  'div',
  'maximum',
  'minimum',
  'squaredDifference',
  'equal',
  'notEqual',
  'greater',
  'greaterEqual',
  'less',
  'lessEqual',
  'prelu',
] as const;
const AWKWARD = [0, -0, 1, -1, 0.5, 1.5, 2.5, -2.5, 1e-20, 3e38, NaN, Infinity, -Infinity, 0.25, -0.75, 8];

const ELEMENTWISE: Case[] = [
  ...UNARY.map((name): Case => [name, () => [tf[name](sample([4, 5], 1)), tf[name](tf.tensor1d(AWKWARD))]]),
  ...BINARY.map((name): Case => [
    name,
    () => [
      tf[name](sample([4, 1, 5], 1), sample([3, 1], 2)),
      tf[name](tf.tensor1d(AWKWARD), tf.reverse(tf.tensor1d(AWKWARD))),
    ],
  ]),
  [
    'int32 arithmetic',
    () => [
      tf.add(ids(1, 2), ids(3, -4)),
      tf.mul(ids(7, 2), ids(3, -4)),
      tf.sum(ids(1, 2, 3)),
      tf.max(ids(4, 9, 2)),
    ],
  ],
  ['pow', () => tf.pow(tf.abs(sample([4, 5], 1)), 2.5)],
  ['clipByValue', () => tf.clipByValue(tf.tensor1d(AWKWARD), -0.5, Infinity)],
  ['step', () => tf.step(tf.tensor1d(AWKWARD), 0.3)],
  ['where', () => [tf.where(tf.greater(sample([3, 4], 1), 0), sample([3, 4], 2), sample([3, 4], 3))]],
  [
    'casts',
    () => [
      tf.cast(tf.tensor1d([1.9, -1.9, NaN, Infinity, 0]), 'int32'),
      tf.cast(tf.tensor1d(AWKWARD), 'bool'),
      tf.cast(tf.tensor1d([true, false], 'bool'), 'float32'),
    ],
  ],
  ['addN', () => tf.addN([sample([3, 4], 1), sample([3, 4], 2), sample([3, 4], 3)])],
  ['fills', () => [tf.zerosLike(sample([3, 4], 1)), tf.onesLike(ids(1, 2)), tf.fill([2, 3], 1.5)]],
  [
    'logic',
    () => {
      const [a, b] = [tf.greater(sample([9], 1), 0), tf.greater(sample([9], 2), 0)];
      return [tf.logicalAnd(a, b), tf.logicalOr(a, b), tf.logicalNot(a), tf.logicalXor(a, b)];
    },
  ],
];

const SUITES: Record<string, Case[]> = {
  CONVOLUTIONS,
  MATRICES,
  POOLS,
  RESIZES,
  SHAPES,
  REDUCTIONS,
  ELEMENTWISE,
};

/** The CPU kernels compute in doubles here and there, and erf to 1.5e-7. */
const TOLERANCE = 2e-6;

beforeAll(() => startEngine({ smallGraphShortcut: false }));

describe.each(Object.keys(SUITES))('%s agree with the CPU kernels', (suite) => {
  test.each(SUITES[suite])('%s', async (_name, compute) => {
    const before = tf.memory().numTensors;
    const expected = await valuesOn('cpu', compute);
    const actual = await valuesOn('onnx', compute);
    expect(actual.length).toBe(expected.length);
    actual.forEach(({ shape, dtype, values }, i) => {
      expect({ shape, dtype }).toEqual({ shape: expected[i].shape, dtype: expected[i].dtype });
      expectClose(values, expected[i].values);
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});

test('none of these falls back, but for the making of ranges', async () => {
  await tf.setBackend('onnx');
  resetStats();
  for (const [, compute] of Object.values(SUITES).flat()) tf.tidy(() => void compute());
  expect(Object.keys(stats().fallbacks)).toEqual(['Range']);
});

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  const finite = Array.from(expected).filter(Number.isFinite);
  const scale = finite.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
  for (let i = 0; i < expected.length; i++) {
    const isClose =
      Math.abs(actual[i] - expected[i]) <=
      TOLERANCE * Math.min(scale, 1 + Math.abs(expected[i]) + scale * 0.1);
    if (!isClose && !Object.is(actual[i] + 0, expected[i] + 0)) {
      throw new Error(`element ${i}: ${actual[i]}, expected ${expected[i]}`);
    }
  }
}

test('gelu beside its gradient, which shares its parts, has the bits of gelu alone', async () => {
  await startEngine({ smallGraphShortcut: false });
  const numbers = [0, -0, 1e-40, -1e-20, 0.5, -3, 6, -13.5, 1e20, -3e38, Infinity, NaN];
  const x = tf.concat<tf.Tensor1D>([tf.tensor1d(numbers), tf.mul(sample([10_000], 5), 8)]);
  const alone = tf.tidy(() => gelu(x).dataSync());
  const [beside, gradient] = tf.tidy(() => {
    let value: tf.Tensor | undefined;
    const slope = tf.grad((input) => tf.sum((value = tf.keep(gelu(input)))))(x);
    const read = [value!.dataSync(), slope.dataSync()];
    value!.dispose();
    return read;
  });
  x.dispose();
  expect(new Uint32Array(beside.buffer)).toEqual(new Uint32Array(alone.buffer));
  expect([...gradient].slice(4, 10).map((slope) => Number(slope.toFixed(5)) + 0)).toEqual([
    0.8675, -0.01195, 1, 0, 1, 0,
  ]);
});
