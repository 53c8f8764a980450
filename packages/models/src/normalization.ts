import { RevatError } from '@revat/core';

/** Mean and standard deviation a channel, in units of [0, 1] images. */
export interface ChannelStatistics {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** What happens to images in [0, 1] before the network: nothing, ImageNet's statistics, (x - 0.5) / 0.5, or given ones. */
export type Normalization = 'none' | 'imagenet' | 'inception' | ChannelStatistics;

const NAMED: Record<'imagenet' | 'inception', ChannelStatistics> = {
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  inception: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
};

/** The statistics, or null for 'none'. Throws RevatError 'invalid-argument' if they do not fit the channels. */
export function normalizationConstants(
  normalization: Normalization,
  channels: number,
): { mean: number[]; std: number[] } | null {
  if (normalization === 'none') return null;
  const statistics = typeof normalization === 'string' ? NAMED[normalization] : normalization;
  const valid =
    statistics?.mean?.length === channels &&
    statistics.std?.length === channels &&
    [...statistics.mean, ...statistics.std].every(Number.isFinite) &&
    statistics.std.every((value) => value > 0);
  if (!valid) {
    throw new RevatError(
      'invalid-argument',
      `normalization: expected 'none', 'imagenet', 'inception' or { mean, std } with ${channels} numbers each and std > 0, got ${JSON.stringify(normalization)}.`,
    );
  }
  return { mean: [...statistics.mean], std: [...statistics.std] };
}
