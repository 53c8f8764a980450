import * as tf from '@tensorflow/tfjs-core';
import { gelu } from '@revat/core';
import { createModel, profile } from '@revat/models';

const FEMTO = { depths: [2, 2, 6, 2], dims: [48, 96, 192, 384], stem: 'conv', imageSize: 32, numClasses: 10 };

/** The networks of ../torch/networks.py, under the same names. Weights are random: only time counts. */
const MODELS = {
  convnext_tiny: () => createModel('convnext_tiny', { stem: 'patch' }),
  convnext_base: () => createModel('convnext_base', { stem: 'patch' }),
  vit_small: () => createModel('vit_small', { stem: 'patch' }),
  convnext_femto_conv_stem: () => createModel('convnext', FEMTO),
};

/** A network: `classify(images)`, its variables, and the multiply-accumulates of one image. */
export function createNetwork(name, imageSize) {
  if (name === 'small_conv_net') return smallConvNet(imageSize);
  const model = MODELS[name]();
  const variables = [...model.parameters().values()];
  return { classify: model.classify, variables, macs: profile(model, { imageSize }).macs };
}

/** 3x3 convolutions 3-16-32-64 (strides 1, 2, 2) with GELU, global average pooling, a linear classifier. */
function smallConvNet(imageSize) {
  const layers = [
    { inputs: 3, width: 16, stride: 1 },
    { inputs: 16, width: 32, stride: 2 },
    { inputs: 32, width: 64, stride: 2 },
  ].map(({ inputs, width, stride }) => ({
    stride,
    kernel: tf.variable(tf.randomNormal([3, 3, inputs, width], 0, (9 * inputs) ** -0.5)),
    bias: tf.variable(tf.zeros([width])),
  }));
  const classifier = tf.variable(tf.randomNormal([64, 10], 0, 0.125));
  const classify = (images) =>
    tf.tidy(() => {
      let features = images;
      for (const { kernel, bias, stride } of layers) {
        features = gelu(tf.add(tf.conv2d(features, kernel, stride, 1), bias));
      }
      return tf.matMul(tf.mean(features, [1, 2]), classifier);
    });
  const macs = imageSize ** 2 * 9 * (3 * 16 + (16 * 32) / 4 + (32 * 64) / 16) + 64 * 10;
  return { classify, variables: [...layers.flatMap(({ kernel, bias }) => [kernel, bias]), classifier], macs };
}
