import * as tf from '@tensorflow/tfjs-core';

/**
 * The stock gradients of Sum and Mean multiply the upstream gradient by `ones(x.shape)`, made in JavaScript at every
 * call. These broadcast it instead; the values are the same.
 */
export function overrideStockGradients(): void {
  tf.registerGradient({
    kernelName: tf.Sum,
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attrs) => ({
      x: () => broadcastBack(dy as tf.Tensor, x.shape, (attrs as unknown as tf.SumAttrs).axis),
    }),
  });
  tf.registerGradient({
    kernelName: tf.Mean,
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attrs) => {
      const { axis } = attrs as unknown as tf.MeanAttrs;
      const axes = tf.util.parseAxisParam(axis, x.shape);
      const count = axes.reduce((total, i) => total * x.shape[i], 1);
      return { x: () => broadcastBack(tf.div(dy as tf.Tensor, count), x.shape, axis) };
    },
  });
}

/** Repeats a reduced tensor along the axes that were reduced. */
function broadcastBack(reduced: tf.Tensor, shape: number[], axis: number | number[]): tf.Tensor {
  const axes = tf.util.parseAxisParam(axis, shape);
  const kept = shape.map((size, i) => (axes.includes(i) ? 1 : size));
  const reps = shape.map((size, i) => (axes.includes(i) ? size : 1));
  return tf.tile(tf.reshape(reduced, kept), reps);
}
