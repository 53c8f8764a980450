import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { GOLDEN_MODELS } from './golden-models.js';
import {
  openGolden,
  recordedFeature,
  recordedGradient,
  recordedInputGradient,
  recordedValues,
  relativeErrors,
  summedCrossEntropy,
  worstExcess,
  type GoldenCase,
} from './golden-case.js';

/**
 * The tolerances of the reference for a float32 port: logits 1e-4 + 1e-4 |ref|, features 1e-4, input gradient
 * max|d| <= 1e-3 max|ref| and 1e-4 in relative L2, gradient norms 1e-3 relative.
 */
export function goldenForward(name: string): void {
  describe(name, () => {
    const opened = useGolden(name);

    test('logits and features of every stage', () => {
      const { manifest, model, images } = opened();
      const features = model.features(
        images,
        manifest.features.map(({ module }) => module),
      );
      const logits = (features.get('logits') as tf.Tensor).dataSync();
      expect(worstExcess(logits, recordedValues(opened(), 'logits'), 1e-4, 1e-4)).toBeLessThanOrEqual(1);
      for (const { tensor, module } of manifest.features) {
        const recorded = recordedFeature(opened(), tensor);
        // XCiT's position code is the same for every image: one copy here, one an image there.
        const values = repeated((features.get(module) as tf.Tensor).dataSync<'float32'>(), recorded.length);
        const excess = worstExcess(values, recorded, 1e-4, 1e-4);
        expect({ module, excess: excess <= 1 ? 0 : excess }).toEqual({ module, excess: 0 });
      }
      tf.dispose([...features.values()]);
    });
  });
}

export function goldenGradients(name: string): void {
  describe(name, () => {
    const opened = useGolden(name);

    test('gradients of the images and of all parameters', () => {
      const { model, manifest } = opened();
      const { ofImages, ofParameters: gradients } = allGradients(opened());
      const { max, l2 } = relativeErrors(ofImages, recordedInputGradient(opened()));
      expect(max).toBeLessThanOrEqual(1e-3);
      expect(l2).toBeLessThanOrEqual(1e-4);
      const norms = recordedValues(opened(), 'param_grad_l2');
      expect([...model.parameters().keys()]).toEqual(manifest.param_grad_l2_order);
      manifest.param_grad_l2_order.forEach((parameter, i) => {
        const norm = Math.hypot(...gradients.get(parameter)!);
        // A class-attention key bias shifts all scores alike: its gradient is zero but for rounding.
        const absolute = parameter.endsWith('attn.k.bias') ? 1e-4 : 1e-6;
        const excess = worstExcess([norm], [norms[i]], absolute, 1e-3);
        expect({ parameter, excess: excess <= 1 ? 0 : excess }).toEqual({ parameter, excess: 0 });
      });
      for (const name of manifest.full_gradients) {
        const parameter = name.replace(/^grad\./, '');
        const { max, l2 } = relativeErrors(gradients.get(parameter)!, recordedGradient(opened(), parameter));
        expect(max).toBeLessThanOrEqual(1e-3);
        expect(l2).toBeLessThanOrEqual(1e-4);
      }
    });
  });
}

/** Batch statistics: logits and running statistics after one pass in training mode. */
export function goldenTrainMode(name: string): void {
  describe(name, () => {
    const opened = useGolden(name);

    test('batch norm in training mode', () => {
      const { model, images, recorded } = opened();
      const counters = [...model.buffers()].filter(([key]) => key.endsWith('num_batches_tracked'));
      const before = counters.map(([, counter]) => counter.dataSync()[0]);
      model.mode = 'train';
      const logits = tf.tidy(() => model.classify(images).dataSync());
      model.mode = 'eval';
      expect(
        worstExcess(logits, recordedValues(opened(), 'train_mode.logits'), 1e-4, 1e-4),
      ).toBeLessThanOrEqual(1);
      const buffers = model.buffers();
      const statistics = [...recorded.keys()].filter(
        (key) => key.startsWith('train_mode.') && key.includes('.running_'),
      );
      expect(statistics.length).toBeGreaterThan(0);
      for (const key of statistics) {
        const values = buffers.get(key.replace('train_mode.', ''))!.dataSync();
        expect({ key, excess: worstExcess(values, recordedValues(opened(), key), 1e-5, 1e-4) <= 1 }).toEqual({
          key,
          excess: true,
        });
      }
      expect(counters.map(([, counter]) => counter.dataSync()[0])).toEqual(before.map((count) => count + 1));
    });
  });
}

/** The names of all goldens, and of those with batch norm. */
export const GOLDEN_NAMES = Object.keys(GOLDEN_MODELS);
export const BATCH_NORM_GOLDENS = ['xcit', 'resnet_bottleneck', 'wide_resnet', 'robarch'];

function useGolden(name: string): () => GoldenCase {
  let golden: GoldenCase | undefined;
  beforeAll(async () => {
    golden = await openGolden(name);
  });
  afterAll(() => golden?.dispose());
  return () => {
    if (!golden) throw new Error(`golden ${name} is not open`);
    return golden;
  };
}

function repeated(values: Float32Array, length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => values[i % values.length]);
}

/** One backward pass for the images and all parameters. */
function allGradients({ model, images, labels }: GoldenCase): {
  ofImages: Float32Array;
  ofParameters: Map<string, Float32Array>;
} {
  const parameters = model.parameters();
  const input = tf.variable(images);
  const { value, grads } = tf.variableGrads(
    () => summedCrossEntropy(model.classify(input as tf.Tensor as tf.Tensor4D), labels),
    [input, ...parameters.values()],
  );
  const values = (variable: tf.Variable) => grads[variable.name].dataSync<'float32'>();
  const ofImages = values(input);
  const ofParameters = new Map([...parameters].map(([name, variable]) => [name, values(variable)]));
  tf.dispose([input, value, grads]);
  return { ofImages, ofParameters };
}
