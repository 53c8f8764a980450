import { conv2d, named, type Layer, type Scope, type Shape } from '@revat/stems';
import * as tf from '@tensorflow/tfjs-core';

/** Channels of the code of one axis. */
const CHANNELS_PER_AXIS = 32;
const TEMPERATURE = 10000;

/**
 * Fourier features of the position, projected to the network's width (El-Nouby et al. 2021, XCiT; code of
 * facebookresearch/xcit): works at any resolution. Takes a map [B, H, W, D] only for its extents; returns [1, H, W, D].
 */
export function fourierPositions(scope: Scope, dim: number): Layer {
  const projection = conv2d(scope.child('token_projection'), {
    inChannels: 2 * CHANNELS_PER_AXIS,
    outChannels: dim,
    kernel: 1,
  });
  return named(scope.path, {
    forward: (x, pass) => projection.forward(positionCode(x.shape[1], x.shape[2]), pass),
    cost: (shape: Shape, meter) => projection.cost([shape[0], shape[1], 2 * CHANNELS_PER_AXIS], meter),
  });
}

/** [1, H, W, 64]: the code of y, then that of x; even channels sine, odd ones cosine, two to a frequency. */
function positionCode(height: number, width: number): tf.Tensor4D {
  const code = new Float32Array(height * width * 2 * CHANNELS_PER_AXIS);
  const angle = (index: number, extent: number) => ((index + 1) / (extent + 1e-6)) * 2 * Math.PI;
  let next = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (const position of [angle(y, height), angle(x, width)]) {
        for (let channel = 0; channel < CHANNELS_PER_AXIS; channel++) {
          const frequency = TEMPERATURE ** ((2 * Math.floor(channel / 2)) / CHANNELS_PER_AXIS);
          code[next++] = channel % 2 === 0 ? Math.sin(position / frequency) : Math.cos(position / frequency);
        }
      }
    }
  }
  return tf.tensor4d(code, [1, height, width, 2 * CHANNELS_PER_AXIS]);
}
