import { RevatError } from '@revat/core';
import { sizeOf, type ParameterSpec, type StemOption } from '@revat/stems';
import type { Variable } from '@tensorflow/tfjs-core';
import type { ConvNextConfig } from './convnext.js';
import type { Model } from './model.js';
import { interpolatePositions, type PositionInterpolation } from './position-embedding.js';
import { createModel } from './registry.js';

/**
 * The network with a new, freshly initialised classifier for another number of classes; all else is copied. The caller
 * disposes both models. Throws RevatError 'invalid-argument' unless `numClasses` is a positive integer.
 */
export function withNumClasses(model: Model, numClasses: number, { seed }: { seed?: number } = {}): Model {
  const changed = changedModel(model, { numClasses, seed });
  carryOver(model, changed, (spec) => (isClassifier(spec, model) ? 'initialise' : undefined));
  return changed;
}

/**
 * The network for images of another size, its parameters copied and learned position embeddings interpolated. Networks
 * without them (ConvNeXt, XCiT, ResNet, RobArch, InternImage) take any size anyway; for them only `imageSize` changes. The
 * caller disposes both models. Throws RevatError 'mismatch' if the size does not suit the network or its windows.
 */
export function withImageSize(
  model: Model,
  imageSize: number,
  { interpolation = 'timm' }: { interpolation?: PositionInterpolation } = {},
): Model {
  const changed = changedModel(model, { imageSize });
  carryOver(model, changed, (spec, variable) =>
    spec.name === 'pos_embed' ? resizedPositions(model, changed, variable, interpolation) : undefined,
  );
  return changed;
}

/**
 * A ConvNeXt for 32 x 32 images, as in appendix D.6 of the paper: all convolutions of the ConvStem and the first
 * downsampling get stride 1, parameters are copied. The paper does not say how the 2x2 kernel of stride 1 is padded: 'valid'
 * leaves it so (32 -> 31, what changing the stride in PyTorch does), 'same' adds a row and a column of zeros at the bottom
 * and right (32 -> 32). The caller disposes both models. Throws RevatError 'invalid-argument' on other networks.
 */
export function withCifarStrides(
  model: Model,
  { padding = 'valid', imageSize = 32 }: { padding?: 'valid' | 'same'; imageSize?: number } = {},
): Model {
  const { downsampleStrides, stem } = model.config as Partial<ConvNextConfig>;
  const convolutions = model.specs.filter(({ name }) => /^stem\.stem\.\d+\.weight$/.test(name));
  const depth = convolutions.filter(({ torchShape }) => torchShape.length === 4).length;
  if (!downsampleStrides || !stem || depth === 0) {
    throw new RevatError(
      'invalid-argument',
      `${model.name}: CIFAR strides are for a ConvNeXt with ConvStem. Create the model with stem: 'conv'.`,
    );
  }
  const changed = changedModel(model, {
    imageSize,
    stem: withUnitStrides(stem, depth),
    downsampleStrides: [1, ...downsampleStrides.slice(1)],
    downsamplePadding: padding,
  });
  carryOver(model, changed, () => undefined);
  return changed;
}

function withUnitStrides(stem: StemOption, depth: number): StemOption {
  if (typeof stem === 'object' && 'layers' in stem)
    return { ...stem, layers: stem.layers.map((layer) => ({ ...layer, stride: 1 })) };
  const named = typeof stem === 'string' ? { name: stem } : stem;
  return { ...named, strides: Array.from({ length: depth }, () => 1) };
}

/** The same kind of network with other options, its parameters not made yet. */
function changedModel(model: Model, changes: Readonly<Record<string, unknown>>): Model {
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  const changed = createModel(model.name, { ...model.config, ...given }, { deferred: true });
  changed.mode = model.mode;
  return changed;
}

/**
 * Copies all parameters and buffers. `replace` may give other values for one, or have it drawn anew. Throws RevatError
 * 'mismatch' if a copied one has another size there.
 */
function carryOver(
  source: Model,
  target: Model,
  replace: (spec: ParameterSpec, variable: Variable) => Float32Array | 'initialise' | undefined,
): void {
  const variables = new Map([...source.parameters(), ...source.buffers()]);
  for (const spec of target.specs) {
    const variable = variables.get(spec.name);
    if (!variable) throw cannotCarry(target, spec, 'which the given model lacks');
    const replacement = replace(spec, variable);
    if (replacement === 'initialise') continue;
    const values = replacement ?? variable.dataSync<'float32'>().slice();
    if (values.length !== sizeOf(spec.shape))
      throw cannotCarry(target, spec, `of another shape: [${variable.shape.join(', ')}]`);
    target.setParameter(spec.name, values);
  }
  // The rest is made here, so that no later call allocates.
  target.parameters();
  target.buffers();
}

function cannotCarry(target: Model, spec: ParameterSpec, why: string): RevatError {
  return new RevatError(
    'mismatch',
    `${target.name}: needs ${spec.name} [${spec.shape.join(', ')}], ${why}. Choose another size.`,
  );
}

/** The last linear layer: the only parameters whose last stored axis counts the classes, under `head` or `fc`. */
function isClassifier(spec: ParameterSpec, model: Model): boolean {
  const last = model.specs.filter(({ layout }) => layout === 'linear').at(-1);
  const path = last?.name.replace(/\.weight$/, '');
  return spec.name === `${path}.weight` || spec.name === `${path}.bias`;
}

function resizedPositions(
  source: Model,
  target: Model,
  positions: Variable,
  interpolation: PositionInterpolation,
): Float32Array {
  const patchSize = source.config.patchSize as number;
  const [before, after] = [source.imageSize / patchSize, target.imageSize / patchSize];
  const values = positions.dataSync<'float32'>().slice();
  return interpolatePositions(values, {
    from: [before, before],
    to: [after, after],
    prefixTokens: (positions.shape[1] as number) - before * before,
    interpolation,
  });
}
