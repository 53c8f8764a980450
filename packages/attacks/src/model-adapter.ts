import { RevatError, type Classifier } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';

/**
 * Models as people have them: a function from images to logits, a tf.LayersModel, a tf.GraphModel. Only the members used
 * are named here, so this package depends on neither tfjs-layers nor tfjs-converter.
 */
export type Model = Classifier | LayersModelLike | GraphModelLike;

export interface LayersModelLike {
  readonly layers: readonly unknown[];
  apply(inputs: tf.Tensor, options?: { training?: boolean }): unknown;
}

export interface GraphModelLike {
  readonly modelVersion: string;
  predict(inputs: tf.Tensor): unknown;
}

export interface AdaptOptions {
  /** Order of axes that the model wants: 'NHWC' (default) or 'NCHW'. */
  readonly layout?: 'NHWC' | 'NCHW';
  /** Pixel values that the model wants for black and white. Default [0, 1]; e.g. [0, 255] or [-1, 1]. */
  readonly inputRange?: readonly [number, number];
  /**
   * Normalisation after `inputRange`: (pixel - mean) / std per channel (one number for all channels), or any differentiable
   * function of the images [B,H,W,C].
   */
  readonly preprocess?: Normalisation | ((images: tf.Tensor4D) => tf.Tensor4D);
  /** What the model returns. 'probabilities' are turned into log-probabilities, which every attack takes as logits. */
  readonly outputs?: 'logits' | 'probabilities';
}

export interface Normalisation {
  readonly mean: number | readonly number[];
  readonly std: number | readonly number[];
}

/** Below this a probability has no useful logarithm in float32. */
const SMALLEST_PROBABILITY = 1e-37;

/**
 * A Classifier from any model: logits [B,K] of images [B,H,W,C] in [0,1], differentiable. Nothing of the model is copied,
 * changed or disposed. Throws 'invalid-argument' for options or a model that it does not know.
 */
export function adaptModel(model: Model, options: AdaptOptions = {}): Classifier {
  const predict = predictFunction(model);
  const { layout = 'NHWC', inputRange = [0, 1], preprocess, outputs = 'logits' } = options;
  checkOptions(layout, inputRange, outputs);
  const [low, high] = inputRange;
  return (images) =>
    tf.tidy(() => {
      let inputs: tf.Tensor4D = images;
      if (high - low !== 1) inputs = tf.mul(inputs, high - low);
      if (low !== 0) inputs = tf.add(inputs, low);
      if (typeof preprocess === 'function') inputs = preprocess(inputs);
      else if (preprocess) inputs = normalise(inputs, preprocess);
      if (layout === 'NCHW') inputs = tf.transpose(inputs, [0, 3, 1, 2]); // [B,H,W,C] -> [B,C,H,W]
      const logits = asLogits(predict(inputs), images.shape[0]);
      return outputs === 'probabilities' ? tf.log(tf.maximum(logits, SMALLEST_PROBABILITY)) : logits;
    });
}

function predictFunction(model: Model): (inputs: tf.Tensor4D) => unknown {
  if (typeof model === 'function') return model;
  if (typeof model === 'object' && model !== null) {
    if ('layers' in model && typeof model.apply === 'function')
      return (inputs) => model.apply(inputs, { training: false });
    if ('predict' in model && typeof model.predict === 'function') return (inputs) => model.predict(inputs);
  }
  throw new RevatError(
    'invalid-argument',
    'model: give a function from images [B,H,W,C] to logits [B,K], a tf.LayersModel or a tf.GraphModel.',
  );
}

function checkOptions(layout: string, inputRange: readonly number[], outputs: string): void {
  const invalid = (message: string) => new RevatError('invalid-argument', `adaptModel: ${message}`);
  if (layout !== 'NHWC' && layout !== 'NCHW') throw invalid(`layout must be NHWC or NCHW, got ${layout}.`);
  if (outputs !== 'logits' && outputs !== 'probabilities') {
    throw invalid(`outputs must be logits or probabilities, got ${outputs}.`);
  }
  if (inputRange.length !== 2 || !inputRange.every(Number.isFinite) || inputRange[0] >= inputRange[1]) {
    throw invalid(`inputRange must be [low, high] with low < high, got [${inputRange.join(', ')}].`);
  }
}

function normalise(images: tf.Tensor4D, { mean, std }: Normalisation): tf.Tensor4D {
  const perChannel = (values: number | readonly number[], name: string) => {
    const channels = typeof values === 'number' ? [values] : [...values];
    if (channels.length === 1 || channels.length === images.shape[3]) return tf.tensor1d(channels);
    throw new RevatError(
      'mismatch',
      `adaptModel: ${name} has ${channels.length} values, the images have ${images.shape[3]} channels. Give 1 or ${images.shape[3]}.`,
    );
  };
  return tf.div(tf.sub(images, perChannel(mean, 'mean')), perChannel(std, 'std'));
}

/** The one output [B,K] of a prediction; [B,1,1,K] is taken for it. Throws 'bad-model' for anything else. */
function asLogits(output: unknown, batch: number): tf.Tensor2D {
  const single: unknown = Array.isArray(output) && output.length === 1 ? output[0] : output;
  if (!(single instanceof tf.Tensor)) {
    const found = Array.isArray(output) ? `${output.length} outputs` : typeof output;
    throw new RevatError(
      'bad-model',
      `model: must return one tensor of logits [B,K], returned ${found}. Wrap it in a function that picks the logits.`,
    );
  }
  const tensor = single as tf.Tensor;
  const { shape } = tensor;
  const classes = shape[shape.length - 1];
  if (shape.length < 2 || shape[0] !== batch || tensor.size !== batch * classes) {
    throw new RevatError(
      'bad-model',
      `model: must return logits [${batch},K] for ${batch} images, returned [${shape.join(',')}].`,
    );
  }
  if (classes < 2) {
    throw new RevatError(
      'bad-model',
      'model: returns one value per image; attacks need at least 2 classes. For a single logit s return [0, s].',
    );
  }
  return tf.cast(
    shape.length === 2 ? (tensor as tf.Tensor2D) : tf.reshape(tensor, [batch, classes]),
    'float32',
  ); // [B,1,1,K] -> [B,K]
}
