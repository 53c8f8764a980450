import { backend_util } from '@tensorflow/tfjs-core';

import type { GraphBuilder } from '../onnx/graph-builder.js';
import type { Value } from '../onnx/value.js';
import type { EngineDtype } from '../runtime/session-runtime.js';
import { allOf, lowering, type Lowering, type TensorMeta } from './lowering.js';

type BinaryEmit = (graph: GraphBuilder, a: Value, b: Value, shape: number[]) => Value;

const NUMBERS: readonly EngineDtype[] = ['float32', 'int32'];
const FLOATS: readonly EngineDtype[] = ['float32'];
const BOOLS: readonly EngineDtype[] = ['bool'];
const ALL: readonly EngineDtype[] = ['float32', 'int32', 'bool'];

/** An operation on two tensors of one dtype, broadcast against each other. */
function binary(
  kernel: string,
  dtypes: readonly EngineDtype[],
  emit: string | BinaryEmit,
  { exact = false, toBool = false }: { exact?: boolean; toBool?: boolean } = {},
): Lowering {
  return lowering({
    kernel,
    inputs: ['a', 'b'],
    exact,
    infer: ([a, b]: readonly TensorMeta[]) => {
      if (a.dtype !== b.dtype || !dtypes.includes(a.dtype)) return null;
      const shape = backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
      return { shape, dtype: toBool ? 'bool' : a.dtype };
    },
    emit: (graph, [a, b], _attrs, [{ shape, dtype }]) =>
      typeof emit === 'string' ? graph.op(emit, [a, b], shape, { dtype }) : emit(graph, a, b, shape),
  });
}

const EXACT = { exact: true };
const EXACT_COMPARISON = { exact: true, toBool: true };

export const elementwiseBinary: readonly Lowering[] = [
  binary('Add', NUMBERS, 'Add', EXACT),
  binary('Sub', NUMBERS, 'Sub', EXACT),
  binary('Multiply', NUMBERS, 'Mul', EXACT),
  binary('RealDiv', FLOATS, 'Div', EXACT),
  binary('Maximum', NUMBERS, 'Max', EXACT),
  binary('Minimum', NUMBERS, 'Min', EXACT),
  binary('Pow', FLOATS, 'Pow'),
  binary('SquaredDifference', NUMBERS, (graph, a, b, shape) => {
    const difference = graph.op('Sub', [a, b], shape);
    return graph.op('Mul', [difference, difference], shape);
  }),
  binary('Equal', ALL, 'Equal', EXACT_COMPARISON),
  binary(
    'NotEqual',
    ALL,
    (graph, a, b, shape) => graph.op('Not', [graph.op('Equal', [a, b], shape, { dtype: 'bool' })], shape),
    EXACT_COMPARISON,
  ),
  binary('Greater', NUMBERS, 'Greater', EXACT_COMPARISON),
  binary('GreaterEqual', NUMBERS, 'GreaterOrEqual', EXACT_COMPARISON),
  binary('Less', NUMBERS, 'Less', EXACT_COMPARISON),
  binary('LessEqual', NUMBERS, 'LessOrEqual', EXACT_COMPARISON),
  binary('LogicalAnd', BOOLS, 'And', EXACT_COMPARISON),
  binary('LogicalOr', BOOLS, 'Or', EXACT_COMPARISON),
  lowering({
    kernel: 'Prelu',
    inputs: ['x', 'alpha'],
    infer: ([x, alpha]) => {
      if (!allOf('float32', [x, alpha])) return null;
      return { shape: backend_util.assertAndGetBroadcastShape(x.shape, alpha.shape), dtype: 'float32' };
    },
    emit: (graph, [x, alpha], _attrs, [{ shape }]) => {
      const negative = graph.op('Less', [x, graph.scalar(0)], x.shape, { dtype: 'bool' });
      return graph.op('Where', [negative, graph.op('Mul', [x, alpha], shape), x], shape, {
        dtype: 'float32',
      });
    },
  }),
  lowering({
    kernel: 'EluGrad',
    inputs: ['dy', 'y'],
    infer: ([dy, y]) => (allOf('float32', [dy, y]) ? { shape: y.shape, dtype: 'float32' } : null),
    emit: (graph, [dy, y]) => {
      const positive = graph.op('GreaterOrEqual', [y, graph.scalar(0)], y.shape, { dtype: 'bool' });
      const slope = graph.op('Add', [y, graph.scalar(1)], y.shape);
      return graph.op('Where', [positive, dy, graph.op('Mul', [dy, slope], y.shape)], y.shape, {
        dtype: 'float32',
      });
    },
  }),
  lowering({
    kernel: 'AddN',
    inputs: 'list',
    exact: true,
    infer: (inputs) => (allOf('float32', inputs) ? { shape: inputs[0].shape, dtype: 'float32' } : null),
    // A chain of Add nodes keeps the order of the CPU kernel; ONNX's Sum does not promise one.
    emit: (graph, inputs) => inputs.reduce((total, term) => graph.op('Add', [total, term], total.shape)),
  }),
  lowering({
    kernel: 'Select',
    inputs: ['condition', 't', 'e'],
    exact: true,
    infer: ([condition, t, e]) =>
      condition.dtype === 'bool' && t.dtype === e.dtype ? { shape: t.shape, dtype: t.dtype } : null,
    emit: (graph, [condition, t, e]) => {
      // A vector of conditions chooses whole rows: [n] -> [n, 1, ..., 1].
      const rows = condition.shape.length === 1 && t.shape.length > 1;
      const shape = [...condition.shape, ...(rows ? t.shape.slice(1).map(() => 1) : [])];
      return graph.op('Where', [graph.reshape(condition, shape), t, e], t.shape, { dtype: t.dtype });
    },
  }),
];
