/** Loads a file of weights into a model, and reports exactly what fitted and what did not. */
import { RevatError } from '@revat/core';
import { sizeOf, type ParameterSpec } from '@revat/stems';
import type { Model } from '../model.js';
import { normalizationConstants, type Normalization } from '../normalization.js';
import { backendCopiesArrays } from './backend-copies.js';
import { ReusableBuffer } from './byte-source.js';
import { openCheckpoint, type CheckpointOptions } from './checkpoint.js';
import { toFloat32 } from './dtype.js';
import { readDescription } from './model-description.js';
import { matchKeys, type KeyMatch, type TensorPart } from './match-keys.js';
import type { WeightSource } from './source.js';
import type { TensorFile } from './tensor-file.js';
import { fromTorch } from './torch-layout.js';

export interface LoadOptions extends CheckpointOptions {
  /**
   * Whether every parameter must be found and every tensor of the file be used. With false what fits is loaded (a new
   * stem or head keeps its initial values) and the report says what did not. Default true.
   */
  readonly strict?: boolean;
  /**
   * 'file' (default): mean and standard deviation that come with the weights become the model's: a normalisation layer
   * in the file, the configuration of `saveWeights`, or timm's config.json on the hub or in the folder. 'keep': the
   * model's own stay.
   */
  readonly normalization?: 'file' | 'keep';
}

export interface LoadReport {
  /** Path, URL or name of the file. */
  readonly source: string;
  /** Where in the file the weights were found, e.g. 'state_dict'; '' for the top level. */
  readonly section: string;
  /** All places of the file that hold tensors. */
  readonly sections: readonly string[];
  /** Prefix of wrappers that was taken off, e.g. 'module.model.'. */
  readonly prefix: string;
  /** 'timm', or the other naming that was translated. */
  readonly naming: string;
  /** Parameters and buffers that were set, by the model's names. */
  readonly loaded: readonly string[];
  /** Parameters and buffers of the model that the file lacks; they keep their values. */
  readonly missing: readonly string[];
  /** Tensors of the file, by their names there, that the model has no place for. */
  readonly unexpected: readonly string[];
  /** Tensors whose shape is another than the model's; PyTorch shapes. */
  readonly mismatched: ReadonlyArray<{ name: string; file: readonly number[]; model: readonly number[] }>;
  /** Tensors that hold no weights: index tables, batch counters. */
  readonly ignored: readonly string[];
  /** Normalisation that came with the weights and is now the model's; undefined if none came or the model's was kept. */
  readonly normalization: Normalization | undefined;
}

/**
 * Sets a model's parameters and buffers from a file: safetensors, .pt or .pth, from disk, the network or the Hugging
 * Face hub (`hf:timm/convnext_tiny.fb_in1k`). Wrapper prefixes, EMA and nested dicts, normalisation layers and the
 * namings of other repositories are understood. Nothing is changed unless everything fits (or `strict` is false).
 *
 * @param source path or folder (Node), URL, `hf:` name, ArrayBuffer, Uint8Array, Blob or ByteSource
 * @throws RevatError 'mismatch' with { missing, unexpected, mismatched } in its details; 'not-found', 'invalid-file',
 *   'invalid-argument', 'io' for the file
 */
export async function loadWeights(
  model: Model,
  source: WeightSource,
  options: LoadOptions = {},
): Promise<LoadReport> {
  const file = await openCheckpoint(source, options);
  try {
    return await loadFile(model, file, options);
  } finally {
    await file.close();
  }
}

/** The same from an open file, which stays open. */
export async function loadFile(
  model: Model,
  file: TensorFile,
  { strict = true, normalization: choice = 'file' }: Pick<LoadOptions, 'strict' | 'normalization'> = {},
): Promise<LoadReport> {
  const match = matchKeys(file.tensors, new Set(model.specs.map(({ name }) => name)));
  const fit = compare(model.specs, match);
  const report = { ...describe(file, match), ...fit.report };
  refuseMisfit(model, report, strict);
  const normalization = choice === 'file' ? await findNormalization(file, match, model) : undefined;
  await file.verify(fit.pairs.map(([, { name }]) => name));
  const read = parameterReader(file, longest(fit.pairs), backendCopiesArrays());
  for (const [spec, tensor] of fit.pairs) model.setParameter(spec.name, await read(spec, tensor));
  if (normalization !== undefined) model.normalization = normalization;
  return { ...report, normalization };
}

type Misfit = Pick<LoadReport, 'loaded' | 'missing' | 'unexpected' | 'mismatched'>;

interface Fit {
  readonly pairs: ReadonlyArray<readonly [ParameterSpec, TensorPart]>;
  readonly report: Misfit;
}

function compare(specs: readonly ParameterSpec[], { renamed }: KeyMatch): Fit {
  const pairs: Array<readonly [ParameterSpec, TensorPart]> = [];
  const missing: string[] = [];
  const mismatched: Array<{ name: string; file: readonly number[]; model: readonly number[] }> = [];
  for (const spec of specs) {
    const tensor = renamed.get(spec.name);
    if (tensor === undefined) {
      if (!isCounter(spec)) missing.push(spec.name);
    } else if (sameShape(tensor.shape, spec.torchShape)) pairs.push([spec, tensor]);
    else mismatched.push({ name: spec.name, file: tensor.shape, model: spec.torchShape });
  }
  const known = new Set(specs.map(({ name }) => name));
  const unexpected = [...renamed].filter(([name]) => !known.has(name)).map(([, { name }]) => name);
  const loaded = pairs.map(([{ name }]) => name);
  return { pairs, report: { loaded, missing, unexpected: [...new Set(unexpected)], mismatched } };
}

/** Batch counters are absent from old files and read by nothing. */
function isCounter({ torchDtype }: ParameterSpec): boolean {
  return torchDtype === 'int64';
}

/** Equal but for axes of length 1: a 1x1 convolution and a linear layer, (C, 1, 1) and (C), hold the same values. */
function sameShape(a: readonly number[], b: readonly number[]): boolean {
  const wide = (shape: readonly number[]): string => shape.filter((size) => size !== 1).join();
  return wide(a) === wide(b);
}

function describe(
  file: TensorFile,
  { prefix, naming, ignored }: KeyMatch,
): Omit<LoadReport, keyof Misfit | 'normalization'> {
  return { source: file.name, section: file.section, sections: file.sections, prefix, naming, ignored };
}

function refuseMisfit(model: Model, report: Misfit & { source: string }, strict: boolean): void {
  const { loaded, missing, unexpected, mismatched, source } = report;
  const perfect = missing.length + unexpected.length + mismatched.length === 0;
  if (perfect || (!strict && loaded.length > 0)) return;
  const shapes = mismatched.map((m) => `${m.name} (file [${m.file}], model [${m.model}])`);
  const parts = [
    listing('missing', missing),
    listing('unexpected', unexpected),
    listing('of another shape', shapes),
  ];
  const advice =
    loaded.length > 0 ? 'Load what fits with { strict: false }' : 'Is it the right file for this model?';
  throw new RevatError(
    'mismatch',
    `loadWeights: ${source} does not fit ${model.name}: ${parts.filter(Boolean).join('; ')}. ${advice}${advice.endsWith('?') ? '' : '.'}`,
    { details: { missing, unexpected, mismatched } },
  );
}

function listing(what: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  return `${names.length} ${what}: ${names.slice(0, 3).join(', ')}${names.length > 3 ? ', ...' : ''}`;
}

/** Bytes of the largest parameter as float32. */
function longest(pairs: Fit['pairs']): number {
  return Math.max(0, ...pairs.map(([{ shape }]) => 4 * sizeOf(shape)));
}

/**
 * Reads values in tfjs layout. Where they may be overwritten by the next, all lie in the same memory; otherwise each is
 * in an array of its own, and only what is rearranged or converted on the way is read into shared memory.
 */
function parameterReader(
  file: TensorFile,
  capacity: number,
  transient: boolean,
): (spec: ParameterSpec, tensor: TensorPart) => Promise<Float32Array> {
  const stored = new ReusableBuffer(capacity);
  const result = transient ? new ReusableBuffer(capacity) : undefined;
  return async ({ shape, layout }, { name, part, parts }) => {
    const passesThrough = file.tensors.get(name)?.dtype === 'F32' && parts === 1 && layout === 'same';
    const values = toFloat32(await file.read(name, transient || !passesThrough ? stored : undefined));
    const length = values.length / parts;
    const own = parts === 1 ? values : values.slice(part * length, (part + 1) * length);
    const arranged = fromTorch(own, shape, layout, result);
    return !transient && stored.holds(arranged) ? arranged.slice() : arranged;
  };
}

/** What the file says about normalisation: its own layer first, then its configuration, then the one beside it. */
async function findNormalization(
  file: TensorFile,
  { normalizer }: KeyMatch,
  model: Model,
): Promise<Normalization | undefined> {
  const layer = normalizer && {
    mean: shortest(toFloat32(await file.read(normalizer.mean))),
    std: shortest(toFloat32(await file.read(normalizer.std))),
  };
  const found = layer ?? readDescription(file)?.config.normalization ?? file.normalization;
  if (found !== undefined) normalizationConstants(found, model.config.inChannels);
  return found;
}

/** The shortest decimals that are the same float32: 0.485, not 0.48500001430511475. */
function shortest(values: Float32Array): number[] {
  return Array.from(values, (value) => {
    for (let digits = 1; digits <= 8; digits++) {
      const short = Number(value.toPrecision(digits));
      if (Math.fround(short) === value) return short;
    }
    return value;
  });
}
