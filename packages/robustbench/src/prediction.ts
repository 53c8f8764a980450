import { RevatError, type Classifier } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';

/** What a model says about one image. */
export interface Prediction {
  readonly class: number;
  /** Softmax probability of that class, to 6 digits; NaN logits give class -1 with confidence 0. */
  readonly confidence: number;
}

/** Values of images [B, H, W, C] in one pass: bounds the memory of the network's activations. */
const VALUES_PER_PASS = 2 ** 20;
const MAX_IMAGES_PER_PASS = 128;

/**
 * Predictions for images float32 [B, H, W, C] in [0, 1], in passes of a size that depends on the image size only.
 * Disposes what it makes. Throws 'bad-model' for logits that are not [B, K].
 */
export async function predict(classify: Classifier, images: tf.Tensor4D): Promise<Prediction[]> {
  const [count, ...imageShape] = images.shape;
  const values = imageShape.reduce((product, side) => product * side, 1);
  const perPass = Math.max(1, Math.min(MAX_IMAGES_PER_PASS, Math.floor(VALUES_PER_PASS / values)));
  const predictions: Prediction[] = [];
  for (let start = 0; start < count; start += perPass) {
    const size = Math.min(perPass, count - start);
    const logits = tf.tidy(() => classify(tf.slice(images, [start, 0, 0, 0], [size, -1, -1, -1])));
    try {
      if (logits.shape.length !== 2 || logits.shape[0] !== size)
        throw new RevatError(
          'bad-model',
          `evaluate: the model returned [${logits.shape.join(', ')}] for ${size} images. It must return logits [${size}, K].`,
        );
      const rows = await logits.data<'float32'>();
      const classes = logits.shape[1];
      for (let i = 0; i < size; i++)
        predictions.push(topClass(rows.subarray(i * classes, (i + 1) * classes)));
    } finally {
      logits.dispose();
    }
  }
  return predictions;
}

function topClass(logits: Float32Array): Prediction {
  let best = 0;
  for (let k = 1; k < logits.length; k++) if (logits[k] > logits[best]) best = k;
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - logits[best]), 0);
  // Any NaN among the logits makes the sum NaN.
  if (Number.isNaN(sum)) return { class: -1, confidence: 0 };
  return { class: best, confidence: Number((1 / sum).toFixed(6)) };
}
