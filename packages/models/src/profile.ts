import { RevatError } from '@revat/core';
import { sizeOf, type Operator } from '@revat/stems';
import type { Model } from './model.js';

/** Cost of one image in one layer. */
export interface LayerProfile {
  /** PyTorch module path. */
  readonly path: string;
  readonly operator: Operator;
  /** Trained parameters of this layer; 0 for attention products and pools. */
  readonly params: number;
  /** Multiply-accumulates of convolutions, linear layers and attention products. */
  readonly macs: number;
  /** What fvcore counts: the multiply-accumulates, 5 an element of layer norm, 2 of batch norm, 1 of an adaptive pool. */
  readonly flops: number;
}

/** Sums over a top-level part, or over all. */
export interface ProfileTotals {
  readonly params: number;
  readonly macs: number;
  readonly flops: number;
}

export interface ModelProfile extends ProfileTotals {
  /** Height and width of the image that was counted. */
  readonly imageSize: readonly [number, number];
  readonly perLayer: readonly LayerProfile[];
  /** In order; what belongs to no top-level part is under 'other'. */
  readonly perStage: ReadonlyMap<string, ProfileTotals>;
}

/** Operators that multiply and accumulate; the others only enter fvcore's count. */
const MULTIPLYING: ReadonlySet<Operator> = new Set(['conv', 'linear', 'matmul']);

/**
 * Counts parameters and the work for one image, layer by layer, at any resolution; computes and allocates nothing, so a
 * model made with `deferred` will do. `flops` follows fvcore's `FlopCountAnalysis`, which the paper used: see docs/models.md.
 * Throws RevatError 'invalid-argument' unless `imageSize` is a positive integer or two of them.
 */
export function profile(
  model: Model,
  { imageSize = model.imageSize }: { imageSize?: number | readonly [number, number] } = {},
): ModelProfile {
  const extents = typeof imageSize === 'number' ? ([imageSize, imageSize] as const) : imageSize;
  if (!extents.every((extent) => Number.isInteger(extent) && extent > 0)) {
    throw new RevatError(
      'invalid-argument',
      `profile: imageSize must be a positive integer or [height, width], got ${JSON.stringify(imageSize)}.`,
    );
  }
  const params = parameterCounts(model);
  const layers: LayerProfile[] = [];
  model.network.cost([...extents, model.config.inChannels], {
    add(path, operator, amount) {
      const macs = MULTIPLYING.has(operator) ? amount : 0;
      const first = !layers.some((layer) => layer.path === path);
      layers.push({ path, operator, params: first ? (params.get(path) ?? 0) : 0, macs, flops: amount });
    },
  });
  return {
    imageSize: extents,
    perLayer: layers,
    perStage: sumStages(model, layers),
    ...totals(layers, model),
  };
}

/** Trained parameters, without building anything. */
export function countParameters(model: Model): number {
  return model.specs
    .filter(({ kind }) => kind === 'parameter')
    .reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/** Trained parameters by the path of the layer that declares them. */
function parameterCounts(model: Model): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { name, kind, shape } of model.specs) {
    if (kind !== 'parameter') continue;
    const path = name.slice(0, Math.max(0, name.lastIndexOf('.')));
    counts.set(path, (counts.get(path) ?? 0) + sizeOf(shape));
  }
  return counts;
}

function totals(layers: readonly LayerProfile[], model: Model): ProfileTotals {
  return { params: countParameters(model), ...sumWork(layers) };
}

function sumWork(layers: readonly LayerProfile[]): { macs: number; flops: number } {
  return {
    macs: layers.reduce((sum, layer) => sum + layer.macs, 0),
    flops: layers.reduce((sum, layer) => sum + layer.flops, 0),
  };
}

function sumStages(model: Model, layers: readonly LayerProfile[]): Map<string, ProfileTotals> {
  const stageOf = (path: string) =>
    model.stages.find(({ paths }) => paths.some((top) => path === top || path.startsWith(`${top}.`)))?.name ??
    'other';
  const params = new Map<string, number>();
  for (const { name, kind, shape } of model.specs) {
    if (kind === 'parameter') {
      const stage = stageOf(name);
      params.set(stage, (params.get(stage) ?? 0) + sizeOf(shape));
    }
  }
  const names = [...model.stages.map(({ name }) => name), 'other'];
  return new Map(
    names
      .map((stage): [string, ProfileTotals] => [
        stage,
        {
          params: params.get(stage) ?? 0,
          ...sumWork(layers.filter(({ path }) => stageOf(path) === stage)),
        },
      ])
      .filter(([stage, sums]) => stage !== 'other' || sums.params > 0 || sums.flops > 0),
  );
}
