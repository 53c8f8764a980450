import type { CastAttrs, ClipByValueAttrs, LeakyReluAttrs, StepAttrs } from '@tensorflow/tfjs-core';

import type { GraphBuilder } from '../onnx/graph-builder.js';
import type { Value } from '../onnx/value.js';
import { FloatAttribute } from '../onnx/model-writer.js';
import type { EngineDtype } from '../runtime/session-runtime.js';
import { ALIAS, lowering, type Lowering } from './lowering.js';

type UnaryEmit = (graph: GraphBuilder, x: Value) => Value;

const FLOATS: readonly EngineDtype[] = ['float32'];
const NUMBERS: readonly EngineDtype[] = ['float32', 'int32'];

/** An operation on every element of x, keeping its dtype. */
function unary(
  kernel: string,
  emit: string | UnaryEmit = kernel,
  { dtypes = FLOATS, exact = false }: { dtypes?: readonly EngineDtype[]; exact?: boolean } = {},
): Lowering {
  return lowering({
    kernel,
    inputs: ['x'],
    exact,
    infer: ([x]) => (dtypes.includes(x.dtype) ? { shape: x.shape, dtype: x.dtype } : null),
    emit: (graph, [x]) => (typeof emit === 'string' ? graph.op(emit, [x], x.shape) : emit(graph, x)),
  });
}

/** A test of every element. */
function predicate(kernel: string, dtypes: readonly EngineDtype[], emit: UnaryEmit): Lowering {
  return lowering({
    kernel,
    inputs: ['x'],
    exact: true,
    infer: ([x]) => (dtypes.includes(x.dtype) ? { shape: x.shape, dtype: 'bool' } : null),
    emit: (graph, [x]) => emit(graph, x),
  });
}

const test = (graph: GraphBuilder, type: string, ...inputs: Value[]) =>
  graph.op(type, inputs, inputs[0].shape, { dtype: 'bool' });

const clip = (graph: GraphBuilder, x: Value, low: number, high: number) =>
  graph.op('Clip', [x, graph.scalar(low, 'float32'), graph.scalar(high, 'float32')], x.shape);

export const elementwiseUnary: readonly Lowering[] = [
  unary('Abs', 'Abs', { dtypes: NUMBERS, exact: true }),
  unary('Neg', 'Neg', { dtypes: NUMBERS, exact: true }),
  unary('Square', (graph, x) => graph.op('Mul', [x, x], x.shape), { dtypes: NUMBERS, exact: true }),
  unary('Sqrt', 'Sqrt', { exact: true }),
  unary('Rsqrt', (graph, x) => graph.op('Reciprocal', [graph.op('Sqrt', [x], x.shape)], x.shape)),
  unary('Reciprocal', 'Reciprocal', { exact: true }),
  unary('Floor', 'Floor', { exact: true }),
  unary('Ceil', 'Ceil', { exact: true }),
  unary('Round', 'Round', { exact: true }),
  unary('Relu', 'Relu', { dtypes: NUMBERS, exact: true }),
  unary('Relu6', (graph, x) => clip(graph, x, 0, 6), { exact: true }),
  unary(
    'Sign',
    (graph, x) =>
      graph.op('Where', [test(graph, 'IsNaN', x), graph.scalar(0), graph.op('Sign', [x], x.shape)], x.shape, {
        dtype: 'float32',
      }),
    { exact: true },
  ),
  ...['Exp', 'Sigmoid', 'Tanh', 'Erf'].map((kernel) => unary(kernel)),
  ...['Sin', 'Cos', 'Sinh', 'Cosh', 'Asin', 'Acos', 'Atan', 'Asinh', 'Acosh', 'Atanh'].map((kernel) =>
    unary(kernel),
  ),
  unary('Log', logarithm),
  unary('Softplus', softplus),
  unary('Elu', elu),
  unary('Selu', (graph, x) =>
    graph.op('Selu', [x], x.shape, {
      attributes: {
        alpha: new FloatAttribute(1.6732632423543772),
        gamma: new FloatAttribute(1.0507009873554805),
      },
    }),
  ),
  predicate('LogicalNot', ['bool'], (graph, x) => test(graph, 'Not', x)),
  predicate('IsNan', FLOATS, (graph, x) => test(graph, 'IsNaN', x)),
  predicate('IsInf', FLOATS, (graph, x) => test(graph, 'IsInf', x)),
  predicate('IsFinite', FLOATS, (graph, x) =>
    test(graph, 'Not', test(graph, 'Or', test(graph, 'IsNaN', x), test(graph, 'IsInf', x))),
  ),
  lowering<LeakyReluAttrs>({
    kernel: 'LeakyRelu',
    inputs: ['x'],
    infer: ([x]) => (x.dtype === 'float32' ? { shape: x.shape, dtype: 'float32' } : null),
    emit: (graph, [x], { alpha }) =>
      graph.op('LeakyRelu', [x], x.shape, { attributes: { alpha: new FloatAttribute(alpha) } }),
  }),
  lowering<StepAttrs>({
    kernel: 'Step',
    inputs: ['x'],
    exact: true,
    infer: ([x]) => (x.dtype === 'float32' ? { shape: x.shape, dtype: 'float32' } : null),
    emit: (graph, [x], { alpha }) => {
      const positive = test(graph, 'Greater', x, graph.scalar(0));
      const step = graph.op('Where', [positive, graph.scalar(1), graph.scalar(alpha)], x.shape, {
        dtype: 'float32',
      });
      return graph.op('Where', [test(graph, 'IsNaN', x), x, step], x.shape, { dtype: 'float32' });
    },
  }),
  lowering<ClipByValueAttrs>({
    kernel: 'ClipByValue',
    inputs: ['x'],
    exact: true,
    infer: ([x]) => (x.dtype === 'float32' ? { shape: x.shape, dtype: 'float32' } : null),
    emit: (graph, [x], { clipValueMin, clipValueMax }) => clip(graph, x, clipValueMin, clipValueMax),
  }),
  lowering<CastAttrs>({
    kernel: 'Cast',
    inputs: ['x'],
    exact: true,
    infer: ([x], { dtype }) => {
      if (dtype === x.dtype) return ALIAS;
      return dtype === 'float32' || dtype === 'int32' || dtype === 'bool' ? { shape: x.shape, dtype } : null;
    },
    emit: (graph, [x], _attrs, [{ dtype }]) => cast(graph, x, dtype),
  }),
  lowering({
    kernel: 'ZerosLike',
    inputs: ['x'],
    exact: true,
    infer: ([{ shape, dtype }]) => ({ shape, dtype }),
    emit: (graph, [{ shape }], _attrs, [{ dtype }]) => filled(graph, shape, 0, dtype),
  }),
  lowering({
    kernel: 'OnesLike',
    inputs: ['x'],
    exact: true,
    infer: ([{ shape, dtype }]) => ({ shape, dtype }),
    emit: (graph, [{ shape }], _attrs, [{ dtype }]) => filled(graph, shape, 1, dtype),
  }),
];

/**
 * The natural logarithm, in doubles: ONNX Runtime's single-precision one treats the last few elements of a tensor by
 * another routine than the rest, so that an element's last bit would depend on the batch that it is in.
 */
export function logarithm(graph: GraphBuilder, x: Value): Value {
  const double = graph.op('Cast', [x], x.shape, {
    dtype: 'float64',
    attributes: { to: ELEMENT_TYPE.float64 },
  });
  const result = graph.op('Log', [double], x.shape);
  return graph.op('Cast', [result], x.shape, { dtype: 'float32', attributes: { to: ELEMENT_TYPE.float32 } });
}

/** log(1 + exp(x)) as max(x, 0) + log(1 + exp(-|x|)), which does not overflow. */
function softplus(graph: GraphBuilder, x: Value): Value {
  const magnitude = graph.op('Neg', [graph.op('Abs', [x], x.shape)], x.shape);
  const grown = graph.op('Add', [graph.op('Exp', [magnitude], x.shape), graph.scalar(1)], x.shape);
  return graph.op('Add', [graph.op('Relu', [x], x.shape), logarithm(graph, grown)], x.shape);
}

/** exp(x) - 1 below zero, made of operators that treat all elements alike, which ONNX's Elu does not. */
export function elu(graph: GraphBuilder, x: Value): Value {
  const isNegative = test(graph, 'Less', x, graph.scalar(0));
  const curve = graph.op('Sub', [graph.op('Exp', [x], x.shape), graph.scalar(1)], x.shape);
  return graph.op('Where', [isNegative, curve, x], x.shape, { dtype: 'float32' });
}

/** A tensor of one value. */
export function filled(
  graph: GraphBuilder,
  shape: readonly number[],
  value: number,
  dtype: EngineDtype,
): Value {
  return graph.op('Expand', [graph.scalar(value, dtype), graph.ints(shape)], shape);
}

/** ONNX element types, as the Cast operator counts them. */
const ELEMENT_TYPE = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 } as const;

/**
 * A cast with the results of JavaScript's typed arrays: NaN and what does not fit int32 become 0 there, while ONNX
 * Runtime gives the smallest integer. (Finite values beyond int32 wrap around in JavaScript; here they become 0 too.)
 */
export function cast(graph: GraphBuilder, x: Value, dtype: keyof typeof ELEMENT_TYPE): Value {
  if (x.dtype === dtype) return x;
  let source = x;
  if (x.dtype === 'float32' && dtype === 'int32') {
    const fits = test(graph, 'Less', graph.op('Abs', [x], x.shape), graph.scalar(2 ** 31));
    source = graph.op('Where', [fits, x, graph.scalar(0)], x.shape, { dtype: 'float32' });
  }
  return graph.op('Cast', [source], x.shape, { dtype, attributes: { to: ELEMENT_TYPE[dtype] } });
}
