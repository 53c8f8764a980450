import { RevatError, randomStream, type Classifier } from '@revat/core';
import type { ForwardPass, Layer, ParameterSpec, ParameterStore } from '@revat/stems';
import * as tf from '@tensorflow/tfjs-core';
import { normalizationConstants, type Normalization } from './normalization.js';
import type { ModelConfig } from './model-config.js';

/** A network from images [B, H, W, C] to logits [B, K]. */
export type Network = Layer<tf.Tensor4D, tf.Tensor2D>;

/** A top-level part of a network. */
export interface Stage {
  readonly name: string;
  /** Module paths that belong to it, with all below them. */
  readonly paths: readonly string[];
}

export interface Model {
  /** The registry's name, e.g. `convnext_tiny`. */
  readonly name: string;
  /** Complete and serialisable: `createModel(model.name, model.config)` builds the same network. */
  readonly config: ModelConfig;
  readonly numClasses: number;
  /** Side of the images in pixels. */
  readonly imageSize: number;
  /**
   * Logits [B, K] of images [B, H, W, C], float32 in [0, 1]; the caller disposes them. Bound: may be passed around. Normalises
   * inside, as configured, and follows `mode`. Throws RevatError 'mismatch' on images that the network cannot take.
   */
  readonly classify: Classifier;
  /** Evaluation by default. Training uses and updates batch statistics and drops residual branches at random. */
  mode: 'train' | 'eval';
  /** Passes made in training mode. Keys stochastic depth, so save and restore it with a checkpoint. */
  trainingPasses: number;
  /** Trained variables under timm's names, in tfjs layout, in state-dict order. The model owns and disposes them. */
  parameters(): Map<string, tf.Variable>;
  /** Variables that are not trained: batch-norm statistics. The model owns and disposes them. */
  buffers(): Map<string, tf.Variable>;
  /** Names, PyTorch shapes and layouts of all parameters and buffers, in state-dict order; allocates nothing. */
  readonly specs: readonly ParameterSpec[];
  /** Sets a parameter or buffer to values in the layout of its spec (`fromTorch(values, spec.shape, spec.layout)`). The array must stay unchanged. */
  setParameter(name: string, values: Float32Array): void;
  /** Mean and standard deviation that are applied to the images, or 'none'. */
  normalization: Normalization;
  /**
   * The logits and the outputs of the parts at PyTorch module paths (`stages.0.blocks.1`), in NHWC or [B, L, C]; all paths
   * that were passed if `paths` is left out. The caller disposes all of them. Throws 'unknown-name' for a path never passed.
   */
  features(images: tf.Tensor4D, paths?: readonly string[]): Map<string, tf.Tensor>;
  /** The layers, for `profile`. */
  readonly network: Network;
  /** Top-level parts in order: what `profile` sums up. */
  readonly stages: readonly Stage[];
  dispose(): void;
}

export interface ModelParts {
  readonly name: string;
  readonly config: ModelConfig;
  readonly store: ParameterStore;
  readonly network: Network;
  readonly stages: readonly Stage[];
  /** The only image side that fits, for networks with position embeddings; absent if any does. */
  readonly fixedSize?: number;
}

/** Puts a network and its parameters together. */
export function assembleModel(parts: ModelParts): Model {
  return new NetworkModel(parts);
}

class NetworkModel implements Model {
  readonly name: string;
  readonly network: Network;
  readonly stages: readonly Stage[];
  readonly classify: Classifier;
  mode: 'train' | 'eval' = 'eval';
  trainingPasses = 0;
  private readonly settings: ModelConfig;
  private readonly store: ParameterStore;
  private readonly fixedSize: number | undefined;
  private constants: { mean: tf.Tensor; std: tf.Tensor } | null | undefined;
  private chosenNormalization: Normalization;

  constructor({ name, config, store, network, stages, fixedSize }: ModelParts) {
    this.name = name;
    this.network = network;
    this.stages = stages;
    this.settings = config;
    this.store = store;
    this.fixedSize = fixedSize;
    this.chosenNormalization = config.normalization;
    normalizationConstants(config.normalization, config.inChannels);
    this.classify = (images) => tf.tidy(() => this.forward(images));
  }

  get config(): ModelConfig {
    return { ...this.settings, normalization: this.chosenNormalization };
  }

  get numClasses(): number {
    return this.settings.numClasses;
  }

  get imageSize(): number {
    return this.settings.imageSize;
  }

  get specs(): readonly ParameterSpec[] {
    return this.store.specs;
  }

  get normalization(): Normalization {
    return this.chosenNormalization;
  }

  set normalization(value: Normalization) {
    normalizationConstants(value, this.settings.inChannels);
    this.disposeConstants();
    this.chosenNormalization = value;
  }

  parameters(): Map<string, tf.Variable> {
    return this.store.ofKind('parameter');
  }

  buffers(): Map<string, tf.Variable> {
    return this.store.ofKind('buffer');
  }

  setParameter(name: string, values: Float32Array): void {
    this.store.set(name, values);
  }

  features(images: tf.Tensor4D, paths?: readonly string[]): Map<string, tf.Tensor> {
    const seen = new Map<string, tf.Tensor>();
    const observe = (path: string, output: tf.Tensor) => {
      if (!paths || paths.includes(path)) seen.set(path, output);
    };
    tf.tidy(() => {
      seen.set('logits', this.forward(images, observe));
      // A copy of each: an aliased tensor may be returned under two paths, and each is disposed on its own.
      for (const [path, output] of seen) seen.set(path, tf.keep(tf.clone(output)));
    });
    const absent = paths?.filter((path) => !seen.has(path)) ?? [];
    if (absent.length > 0) {
      tf.dispose([...seen.values()]);
      throw new RevatError(
        'unknown-name',
        `${this.name}: no part is called ${absent.join(', ')}. Call features() without paths to see all.`,
      );
    }
    return seen;
  }

  dispose(): void {
    this.store.dispose();
    this.disposeConstants();
  }

  private forward(images: tf.Tensor4D, observe?: ForwardPass['observe']): tf.Tensor2D {
    this.checkImages(images);
    const training = this.mode === 'train';
    const pass: ForwardPass = {
      training,
      observe,
      branchFactors: training ? this.branchFactors() : undefined,
    };
    return this.network.forward(this.normalise(images), pass);
  }

  private checkImages(images: tf.Tensor4D): void {
    const { inChannels } = this.settings;
    const side = this.fixedSize;
    const fits =
      images.rank === 4 &&
      images.shape[3] === inChannels &&
      (side === undefined || (images.shape[1] === side && images.shape[2] === side));
    if (fits) return;
    const expected = `[batch, ${side ?? 'height'}, ${side ?? 'width'}, ${inChannels}]`;
    throw new RevatError(
      'mismatch',
      `${this.name}: expected images ${expected} (NHWC), got [${images.shape.join(', ')}].` +
        (side === undefined ? '' : ' Use withImageSize() for another resolution.'),
    );
  }

  private normalise(images: tf.Tensor4D): tf.Tensor4D {
    this.constants ??= this.makeConstants();
    return this.constants ? tf.div(tf.sub(images, this.constants.mean), this.constants.std) : images;
  }

  private makeConstants(): { mean: tf.Tensor; std: tf.Tensor } | null {
    const values = normalizationConstants(this.chosenNormalization, this.settings.inChannels);
    return values && { mean: tf.keep(tf.tensor1d(values.mean)), std: tf.keep(tf.tensor1d(values.std)) };
  }

  private disposeConstants(): void {
    if (this.constants) tf.dispose([this.constants.mean, this.constants.std]);
    this.constants = undefined;
  }

  /** Stochastic depth (Huang et al. 2016) per sample, keyed by seed, pass, branch and place in the batch. */
  private branchFactors(): ForwardPass['branchFactors'] {
    const pass = this.trainingPasses++;
    let branch = 0;
    return (batch, rate) => {
      const stream = randomStream(this.settings.seed, 'stochastic-depth', pass, branch++);
      const factors = Float32Array.from({ length: batch }, () =>
        stream.uniform() < rate ? 0 : 1 / (1 - rate),
      );
      return tf.tensor1d(factors);
    };
  }
}
