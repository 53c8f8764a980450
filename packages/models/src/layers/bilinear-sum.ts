import { sizeOf } from '@revat/stems';
import * as tf from '@tensorflow/tfjs-core';

/**
 * Weighted sums of bilinear samples: sum_k weight_k value(x_k, y_k) for every pixel and group, zero outside of the map.
 * value: [B, H, W, C]; x, y, weights: [B, H, W, G, K] in pixels; group g reads channels g C/G .. (g + 1) C/G - 1.
 * Returns [B, H, W, C], which the caller disposes.
 *
 * The gradient is written out, for all four inputs: tfjs cannot differentiate a gather whose indices depend on what is
 * differentiated, and recording 4 corners x 12 operations twice would cost more than this.
 */
export function bilinearSum(value: tf.Tensor4D, x: tf.Tensor, y: tf.Tensor, weights: tf.Tensor): tf.Tensor4D {
  const [, , , groups, points] = weights.shape as number[];
  const operation = tf.customGrad((...args) => {
    const save = args.pop() as unknown as tf.GradSaveFunc;
    const [v, px, py, w] = args as [tf.Tensor4D, tf.Tensor, tf.Tensor, tf.Tensor];
    save([v, px, py, w]);
    const table = groupRows(v, groups);
    const contributions = corners(v.shape, px, py, groups).map(({ index, area }) =>
      weightedSum(gatherBags(table, index, points), tf.mul(area, w)),
    );
    return {
      value: tf.reshape(tf.addN(contributions), v.shape),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => gradients(dy, saved, groups),
    };
  });
  return operation(value, x, y, weights) as tf.Tensor4D;
}

/** One of the four pixels around each place. */
interface Corner {
  /** Row of the pixel and group in the table of `groupRows`: int32 [B, H, W, G, K]. */
  readonly index: tf.Tensor;
  /** Its share of the sample, zero if the pixel is outside: [B, H, W, G, K]. */
  readonly area: tf.Tensor;
  /** Derivatives of the share by x and y. */
  readonly areaByX: tf.Tensor;
  readonly areaByY: tf.Tensor;
}

function gradients(dy: tf.Tensor, saved: tf.Tensor[], groups: number): tf.Tensor[] {
  const [value, x, y, weights] = saved as [tf.Tensor4D, tf.Tensor, tf.Tensor, tf.Tensor];
  const points = weights.shape[4] as number;
  const table = groupRows(value, groups);
  const rowGradient = tf.reshape(dy, [-1, 1, table.shape[1]]); // [N, 1, c] for N pixels and groups
  const [rows, spreads, byX, byY, byWeights]: tf.Tensor[][] = [[], [], [], [], []];
  for (const { index, area, areaByX, areaByY } of corners(value.shape, x, y, groups)) {
    const bags = gatherBags(table, index, points); // [N, K, c]
    const bySample = tf.reshape(tf.matMul(rowGradient, bags, false, true), weights.shape); // dy . sample
    byWeights.push(tf.mul(bySample, area));
    byX.push(tf.mul(bySample, areaByX));
    byY.push(tf.mul(bySample, areaByY));
    const factors = tf.reshape(tf.mul(area, weights), [-1, points, 1]); // [N, K, 1]
    spreads.push(tf.reshape(tf.matMul(factors, rowGradient as tf.Tensor3D), [-1, table.shape[1]])); // [N K, c]
    rows.push(tf.reshape(index, [-1, 1]));
  }
  // Not unsortedSegmentSum: its cpu kernel visits every sample once for every row of the table.
  const byTable = tf.scatterND(tf.concat(rows, 0), tf.concat(spreads, 0), table.shape);
  return [
    tf.reshape(byTable, value.shape),
    tf.mul(tf.addN(byX), weights),
    tf.mul(tf.addN(byY), weights),
    tf.addN(byWeights),
  ];
}

/** [B, H, W, C] as rows of one pixel and group, [B * H * W * G, C / G]. */
function groupRows(value: tf.Tensor4D, groups: number): tf.Tensor2D {
  return tf.reshape(value, [-1, value.shape[3] / groups]);
}

/** The rows at `index`, K to a bag: [N, K, c]. */
function gatherBags(table: tf.Tensor2D, index: tf.Tensor, points: number): tf.Tensor3D {
  return tf.reshape(tf.gather(table, flat(index)), [-1, points, table.shape[1]]);
}

/** Sums the samples of each bag with their factors: [N, K, c] x [..., K] -> [N, c]. */
function weightedSum(bags: tf.Tensor3D, factors: tf.Tensor): tf.Tensor {
  const rows = tf.reshape(factors, [bags.shape[0], 1, bags.shape[1]]); // [N, 1, K]
  return tf.matMul(rows, bags);
}

function flat(index: tf.Tensor): tf.Tensor1D {
  return tf.reshape(index, [sizeOf(index.shape)]);
}

function corners(shape: tf.Tensor4D['shape'], x: tf.Tensor, y: tf.Tensor, groups: number): Corner[] {
  const [batch, height, width] = shape;
  const [left, top] = [tf.floor(x), tf.floor(y)];
  const [right, bottom] = [tf.sub(x, left), tf.sub(y, top)]; // fractions: the shares of the far sides
  const firstRow = groupOffsets(batch, height * width, groups);
  const side = (near: tf.Tensor, far: tf.Tensor, step: number, extent: number) => {
    const position = tf.add(near, step);
    const inside = insideRange(position, extent);
    const share = tf.mul(inside, step === 1 ? far : tf.sub(1, far));
    return {
      position: tf.clipByValue(position, 0, extent - 1),
      share,
      slope: tf.mul(inside, step === 1 ? 1 : -1),
    };
  };
  const [columns, rows] = [
    [0, 1].map((step) => side(left, right, step, width)),
    [0, 1].map((step) => side(top, bottom, step, height)),
  ];
  return rows.flatMap((row) =>
    columns.map((column) => {
      const pixel = tf.cast(tf.add(tf.mul(row.position, width), column.position), 'int32');
      return {
        index: tf.add(tf.mul(pixel, tf.scalar(groups, 'int32')), firstRow),
        area: tf.mul(row.share, column.share),
        areaByX: tf.mul(row.share, column.slope),
        areaByY: tf.mul(row.slope, column.share),
      };
    }),
  );
}

/** 1 where 0 <= position < extent, else 0. */
function insideRange(position: tf.Tensor, extent: number): tf.Tensor {
  const inside = tf.logicalAnd(tf.greaterEqual(position, 0), tf.less(position, extent));
  return tf.cast(inside, 'float32');
}

/** Row of each image's first pixel and each group: int32 [B, 1, 1, G, 1]. */
function groupOffsets(batch: number, pixels: number, groups: number): tf.Tensor {
  const offsets = Int32Array.from(
    { length: batch * groups },
    (_, i) => Math.floor(i / groups) * pixels * groups + (i % groups),
  );
  return tf.tensor(offsets, [batch, 1, 1, groups, 1], 'int32');
}
