import { expect, test } from '@jest/globals';
import type { ParameterLayout } from '@revat/stems';
import { fromTorch, toTorch } from './torch-layout.js';

/** Element by element, by the definition of each layout: our index -> PyTorch's. */
const INDEX: Readonly<Record<ParameterLayout, (index: number[], shape: number[]) => number>> = {
  same: (index, shape) => offset(index, shape),
  linear: ([i, o], [I, O]) => offset([o, i], [O, I]),
  conv: ([y, x, i, o], [h, w, I, O]) => offset([o, i, y, x], [O, I, h, w]),
  depthwise: ([y, x, c], [h, w, C]) => offset([c, 0, y, x], [C, 1, h, w]),
};

function offset(index: number[], shape: number[]): number {
  return shape.reduce((sum, size, axis) => sum * size + index[axis], 0);
}

function unravel(position: number, shape: number[]): number[] {
  return shape.map((size, axis) => {
    const inner = shape.slice(axis + 1).reduce((product, next) => product * next, 1);
    return Math.floor(position / inner) % size;
  });
}

test.each<[ParameterLayout, number[]]>([
  ['same', [1, 50, 32]],
  ['linear', [70, 45]],
  ['linear', [1, 9]],
  ['conv', [3, 3, 5, 40]],
  ['conv', [7, 7, 3, 2]],
  ['conv', [1, 1, 33, 65]],
  ['depthwise', [7, 7, 37, 1]],
])('%s %j there and back', (layout, shape) => {
  const torch = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i + 1);
  const ours = fromTorch(torch, shape, layout);
  ours.forEach((value, position) => {
    expect(value).toBe(torch[INDEX[layout](unravel(position, shape), shape)]);
  });
  expect(toTorch(ours, shape, layout)).toEqual(torch);
});

test('NaN payloads survive', () => {
  const bits = Uint32Array.of(0x7f800001, 0xffc12345, 0x7fa00000, 1);
  const there = fromTorch(new Float32Array(bits.buffer), [2, 2], 'linear');
  const back = toTorch(there, [2, 2], 'linear');
  expect(new Uint32Array(back.buffer)).toEqual(bits);
});
