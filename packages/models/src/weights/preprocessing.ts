import type { ChannelStatistics } from '../normalization.js';

/**
 * Mean and standard deviation that a config.json beside weights names, as timm writes it (`pretrained_cfg`); undefined
 * where it names none.
 */
export function readPreprocessing(json: string): ChannelStatistics | undefined {
  const config = parseObject(json);
  const inner = config?.pretrained_cfg ?? config;
  if (typeof inner !== 'object' || inner === null) return undefined;
  const { mean, std } = inner as { mean?: unknown; std?: unknown };
  if (!isNumbers(mean) || !isNumbers(std) || mean.length !== std.length) return undefined;
  return std.every((value) => value > 0) ? { mean, std } : undefined;
}

function isNumbers(values: unknown): values is number[] {
  return Array.isArray(values) && values.length > 0 && values.every((value) => Number.isFinite(value));
}

function parseObject(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
