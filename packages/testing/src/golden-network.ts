/** The two small networks and the images of the golden cases of the attacks. */
import { join } from 'node:path';

import { gelu, type Classifier } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';

import { readArrays, readGoldenCase } from './golden-case.js';

export interface GoldenNetwork {
  readonly classify: Classifier;
  dispose(): void;
}

/**
 * Network "A1" (clean training) or "A2" (adversarial training) of the folder of cases: logits [B,10] of images [B,16,16,3].
 * The caller disposes it.
 */
export function readGoldenNetwork(folder: string, name: 'A1' | 'A2'): GoldenNetwork {
  const arrays = readArrays(join(folder, 'models', `${name}.safetensors`));
  const variables = new Map<string, tf.Variable>();
  for (const [key, { shape, data }] of arrays) {
    const tensor = tf.tidy(() => {
      const stored = tf.tensor(data, shape);
      if (shape.length === 4) return tf.transpose(stored, [2, 3, 1, 0]); // [out,in,kh,kw] -> [kh,kw,in,out]
      return shape.length === 2 ? tf.transpose(stored) : stored; // [out,in] -> [in,out]
    });
    variables.set(key, tf.variable(tensor, false));
    tensor.dispose();
  }
  const weight = (key: string) => variables.get(key) as tf.Tensor;
  const convolution = (input: tf.Tensor4D, layer: string, stride: number) =>
    gelu(
      tf.add<tf.Tensor4D>(
        tf.conv2d(input, weight(`${layer}.weight`) as tf.Tensor4D, stride, 1),
        weight(`${layer}.bias`),
      ),
    );
  const classify: Classifier = (images) =>
    tf.tidy(() => {
      const features = convolution(convolution(convolution(images, 'conv1', 1), 'conv2', 2), 'conv3', 2);
      const flat = tf.reshape(tf.transpose(features, [0, 3, 1, 2]), [images.shape[0], 1024]); // [B,64,4,4] -> [B,1024]
      return tf.add<tf.Tensor2D>(tf.matMul(flat, weight('fc.weight')), weight('fc.bias'));
    });
  return { classify, dispose: () => tf.dispose([...variables.values()]) };
}

export interface GoldenImages {
  /** One [16,16,3] image each. */
  readonly images: Float32Array[];
  readonly labels: number[];
}

/** The test images of the golden cases in a folder, all 500 of them or those of the given indices. */
export function readGoldenImages(folder: string, indices?: readonly number[]): GoldenImages {
  const data = readGoldenCase(folder, '00_data');
  const pixels = data.array('test_u8').data;
  const allLabels = data.numbers('test_y');
  const chosen = indices ?? allLabels.map((_, i) => i);
  const images = chosen.map((index) => {
    const image = new Float32Array(16 * 16 * 3);
    for (let i = 0; i < image.length; i++) {
      const pixel = Math.floor(i / 3);
      const row = pixel >> 5; // 16 columns, every pixel repeated 2x2
      const column = (pixel & 15) >> 1;
      image[i] = pixels[index * 64 + row * 8 + column] / 16;
    }
    return image;
  });
  return { images, labels: chosen.map((index) => allLabels[index]) };
}
