import { gelu } from '@revat/core';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import { conv2d } from './convolution.js';
import { elementwise, sequential, type Layer } from './layer.js';
import { layerNorm } from './norm.js';
import type { Scope } from './scope.js';
import type { StemDesign } from './stem-design.js';

/**
 * ConvStem (the paper, section 3.2 and Tables 7 to 9): convolutions with bias, each followed by LayerNorm over channels and
 * exact GELU; no norm after the last GELU. Isotropic networks add a bare 1x1 convolution to their width. Images
 * [B, H, W, Cin] -> [B, H', W', channels].
 *
 * Declares `stem.0`, `stem.1`, `stem.3`, ... under `scope`, as the released checkpoints do. All convolutions keep
 * PyTorch's default initialisation, because the paper puts the stem in after the network was initialised.
 */
export function convStem(scope: Scope, design: StemDesign, inChannels: number, channels: number): Layer {
  const layers: Layer[] = [];
  let width = inChannels;
  design.layers.forEach(({ kernel, stride, channels: outChannels, padding }, i) => {
    layers.push(
      conv2d(scope.child(`stem.${3 * i}`), {
        inChannels: width,
        outChannels,
        kernel,
        stride,
        padding: padding ?? Math.floor(kernel / 2),
      }),
      // PyTorch composes this norm of elementary operations, which fvcore does not count.
      layerNorm(scope.child(`stem.${3 * i + 1}`), { channels: outChannels, epsilon: 1e-6, counted: false }),
      elementwise<Tensor4D>(gelu),
    );
    width = outChannels;
  });
  if (design.projection) {
    const last = scope.child(`stem.${3 * design.layers.length}`);
    layers.push(conv2d(last, { inChannels: width, outChannels: channels, kernel: 1 }));
  }
  return sequential(layers);
}
