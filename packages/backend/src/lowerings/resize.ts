import type {
  ResizeBilinearAttrs,
  ResizeBilinearGradAttrs,
  ResizeNearestNeighborAttrs,
  ResizeNearestNeighborGradAttrs,
} from '@tensorflow/tfjs-core';

import type { GraphBuilder } from '../onnx/graph-builder.js';
import { MICROSOFT_DOMAIN } from '../onnx/model-writer.js';
import type { Value } from '../onnx/value.js';
import { allOf, lowering, type Lowering } from './lowering.js';

/**
 * Resizing is linear and separable: an image is multiplied from the left by one matrix that mixes rows and by another
 * that mixes columns, its gradient by their transposes. The matrices follow the CPU kernels' arithmetic, edge cases
 * included, which ONNX's Resize does not in all its modes.
 */
export const resize: readonly Lowering[] = [
  lowering<ResizeBilinearAttrs>({
    kernel: 'ResizeBilinear',
    inputs: ['images'],
    infer: ([images], { size: [height, width] }) => {
      if (images.dtype !== 'float32') return null;
      return { shape: [images.shape[0], height, width, images.shape[3]], dtype: 'float32' };
    },
    emit: (graph, [images], { size, alignCorners, halfPixelCenters }) => {
      const matrices = size.map((target, i) =>
        bilinearMatrix(images.shape[1 + i], target, alignCorners, halfPixelCenters),
      );
      return mix(graph, images, matrices[0], matrices[1], false);
    },
  }),
  lowering<ResizeBilinearGradAttrs>({
    kernel: 'ResizeBilinearGrad',
    inputs: ['images', 'dy'],
    infer: ([images, dy]) =>
      allOf('float32', [images, dy]) ? { shape: images.shape, dtype: 'float32' } : null,
    emit: (graph, [images, dy], { alignCorners }) => {
      const matrices = [1, 2].map((i) => bilinearMatrix(images.shape[i], dy.shape[i], alignCorners, false));
      return mix(graph, dy, matrices[0], matrices[1], true);
    },
  }),
  lowering<ResizeNearestNeighborAttrs>({
    kernel: 'ResizeNearestNeighbor',
    inputs: ['images'],
    exact: true,
    infer: ([images], { size: [height, width] }) => {
      if (images.dtype !== 'float32') return null;
      return { shape: [images.shape[0], height, width, images.shape[3]], dtype: 'float32' };
    },
    emit: (graph, [images], { size, alignCorners, halfPixelCenters }) => {
      let result = images;
      size.forEach((target, i) => {
        const sources = nearestSources(images.shape[1 + i], target, alignCorners, halfPixelCenters);
        const shape = result.shape.map((extent, axis) => (axis === 1 + i ? target : extent));
        result = graph.op('Gather', [result, graph.ints(sources)], shape, { attributes: { axis: 1 + i } });
      });
      return result;
    },
  }),
  lowering<ResizeNearestNeighborGradAttrs>({
    kernel: 'ResizeNearestNeighborGrad',
    inputs: ['images', 'dy'],
    infer: ([images, dy]) =>
      allOf('float32', [images, dy]) ? { shape: images.shape, dtype: 'float32' } : null,
    emit: (graph, [images, dy], { alignCorners }) => {
      const matrices = [1, 2].map((i) => {
        const [source, target] = [images.shape[i], dy.shape[i]];
        return selectionMatrix(source, nearestSources(source, target, alignCorners, false));
      });
      return mix(graph, dy, matrices[0], matrices[1], true);
    },
  }),
];

/** Row-major, of `target` rows and `source` columns. */
interface Matrix {
  readonly target: number;
  readonly source: number;
  readonly entries: Float32Array;
}

/** Where a target pixel lies on the source axis. */
function sourcePosition(
  index: number,
  source: number,
  target: number,
  alignCorners: boolean,
  halfPixelCenters: boolean,
): number {
  const scale = alignCorners && target > 1 ? (source - 1) / (target - 1) : source / target;
  return halfPixelCenters ? scale * (index + 0.5) - 0.5 : scale * index;
}

function bilinearMatrix(
  source: number,
  target: number,
  alignCorners: boolean,
  halfPixelCenters: boolean,
): Matrix {
  const entries = new Float32Array(target * source);
  for (let row = 0; row < target; row++) {
    const position = sourcePosition(row, source, target, alignCorners, halfPixelCenters);
    const floor = Math.max(0, Math.floor(position));
    const ceiling = Math.max(0, Math.min(source - 1, Math.ceil(position)));
    const fraction = ceiling === floor ? 0 : position - floor;
    entries[row * source + floor] += 1 - fraction;
    entries[row * source + ceiling] += fraction;
  }
  return { target, source, entries };
}

function nearestSources(
  source: number,
  target: number,
  alignCorners: boolean,
  halfPixelCenters: boolean,
): number[] {
  const scale = alignCorners && target > 1 ? (source - 1) / (target - 1) : source / target;
  return Array.from({ length: target }, (_, index) => {
    const position = scale * (halfPixelCenters ? index + 0.5 : index);
    const nearest = Math.min(source - 1, alignCorners ? Math.round(position) : Math.floor(position));
    return halfPixelCenters ? Math.max(0, nearest) : nearest;
  });
}

function selectionMatrix(source: number, sources: readonly number[]): Matrix {
  const entries = new Float32Array(sources.length * source);
  sources.forEach((column, row) => (entries[row * source + column] = 1));
  return { target: sources.length, source, entries };
}

/** Mixes the rows, then the columns of [B, H, W, C], by the matrices or by their transposes. */
function mix(graph: GraphBuilder, images: Value, rows: Matrix, columns: Matrix, transposed: boolean): Value {
  const [batch, height, width, channels] = images.shape;
  const newHeight = transposed ? rows.source : rows.target;
  const newWidth = transposed ? columns.source : columns.target;
  // [B, H, W C] -> [B, H', W C]
  const lines = graph.reshape(images, [batch, height, width * channels]);
  const mixedRows = multiply(graph, rows, lines, transposed, [batch, newHeight, width * channels]);
  // [B H', W, C] -> [B H', W', C]
  const pixels = graph.reshape(mixedRows, [batch * newHeight, width, channels]);
  const mixedColumns = multiply(graph, columns, pixels, transposed, [batch * newHeight, newWidth, channels]);
  return graph.reshape(mixedColumns, [batch, newHeight, newWidth, channels]);
}

function multiply(
  graph: GraphBuilder,
  matrix: Matrix,
  x: Value,
  transposed: boolean,
  shape: number[],
): Value {
  const weights = graph.initializer('float32', [matrix.target, matrix.source], matrix.entries);
  return graph.op('FusedMatMul', [weights, x], shape, {
    dtype: 'float32',
    attributes: { transA: transposed ? 1 : 0, transB: 0 },
    domain: MICROSOFT_DOMAIN,
  });
}
