import { randomStream, Xoshiro128, type RandomStream } from '@revat/core';

/**
 * How a parameter starts when it is not loaded: data, so that a configuration can be inspected and tested.
 * `truncated-normal` is cut at +-bound in absolute units, as timm's `trunc_normal_` is (bound 2 there: 100 standard
 * deviations of 0.02, that is, not cut at all). `uniform` is +-bound.
 */
export type InitialValues =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'given'; readonly values: readonly number[] }
  | { readonly kind: 'normal'; readonly std: number }
  | { readonly kind: 'truncated-normal'; readonly std: number; readonly bound: number }
  | { readonly kind: 'uniform'; readonly bound: number };

export const ZEROS: InitialValues = { kind: 'constant', value: 0 };
export const ONES: InitialValues = { kind: 'constant', value: 1 };

/** timm's `trunc_normal_(std)`: cut at +-2. */
export function truncatedNormal(std: number): InitialValues {
  return { kind: 'truncated-normal', std, bound: 2 };
}

/** PyTorch's default for convolutions and linear layers, weights and biases: uniform in +-1/sqrt(fan_in). */
export function torchDefault(fanIn: number): InitialValues {
  return { kind: 'uniform', bound: 1 / Math.sqrt(fanIn) };
}

/**
 * Fills `count` float32 numbers. The generator of one parameter is keyed by (seed, its name), so a value depends neither
 * on the other parameters nor on their order: changing the stem or the head leaves the rest of a seeded model as it was.
 */
export function initialValues(spec: InitialValues, count: number, seed: number, name: string): Float32Array {
  if (spec.kind === 'given') return Float32Array.from(spec.values);
  const values = new Float32Array(count);
  if (spec.kind === 'constant') return spec.value === 0 ? values : values.fill(spec.value);
  const words = new WordStream(randomStream(seed, 'initial-values', name));
  if (spec.kind === 'uniform') {
    const [scale, offset] = [2 * spec.bound * 2 ** -32, spec.bound];
    words.forEachBlock(count, (block, start, length) => {
      for (let i = 0; i < length; i++) values[start + i] = scale * (block[i] + 0.5) - offset;
    });
    return values;
  }
  const lowest = spec.kind === 'truncated-normal' ? normalCdf(-spec.bound / spec.std) : 0;
  const span = (1 - 2 * lowest) * 2 ** -32;
  words.forEachBlock(count, (block, start, length) => {
    for (let i = 0; i < length; i++)
      values[start + i] = spec.std * normalQuantile(lowest + span * (block[i] + 0.5));
  });
  return values;
}

/**
 * The words of one parameter, its generator's state drawn from the parameter's Threefry stream. Threefry alone costs about
 * 40 ns a word: 3.5 s for the 88 million weights of ConvNeXt-B, more than all the rest of building it.
 */
class WordStream {
  private readonly generator: Xoshiro128;
  private readonly block = new Uint32Array(4096);

  constructor(stream: RandomStream) {
    const state = Array.from({ length: 4 }, () => stream.uint32());
    state[3] |= 1; // the state must not be all zero
    this.generator = new Xoshiro128(state, '++');
  }

  /** Hands out `count` words in blocks: the words, where the block starts, how many of it count. */
  forEachBlock(count: number, use: (block: Uint32Array, start: number, length: number) => void): void {
    for (let start = 0; start < count; start += this.block.length) {
      const length = Math.min(this.block.length, count - start);
      this.generator.fill(this.block, length);
      use(this.block, start, length);
    }
  }
}

/** Phi(x) for x <= 0, by its continued fraction below -3 and its series above; relative error below 1e-10. */
function normalCdf(x: number): number {
  if (x < -38) return 0;
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  if (x < -3) {
    let fraction = -x;
    for (let k = 60; k >= 1; k--) fraction = -x + k / fraction;
    return density / fraction;
  }
  let term = x;
  let sum = x;
  for (let k = 3; k < 120; k += 2) {
    term *= (x * x) / k;
    sum += term;
  }
  return 0.5 + density * sum;
}

/** The inverse of Phi by Acklam's rational approximations, relative error below 1.2e-9; 0 < p < 1. */
function normalQuantile(p: number): number {
  if (p < 0.02425 || p > 0.97575) return tailQuantile(p);
  const q = p - 0.5;
  const r = q * q;
  return (
    ((((((-39.69683028665376 * r + 220.9460984245205) * r - 275.9285104469687) * r + 138.357751867269) * r -
      30.66479806614716) *
      r +
      2.506628277459239) *
      q) /
    (((((-54.47609879822406 * r + 161.5858368580409) * r - 155.6989798598866) * r + 66.80131188771972) * r -
      13.28068155288572) *
      r +
      1)
  );
}

function tailQuantile(p: number): number {
  const q = Math.sqrt(-2 * Math.log(Math.min(p, 1 - p)));
  const magnitude =
    (((((-0.007784894002430293 * q - 0.3223964580411365) * q - 2.400758277161838) * q - 2.549732539343734) *
      q +
      4.374664141464968) *
      q +
      2.938163982698783) /
    ((((0.007784695709041462 * q + 0.3224671290700398) * q + 2.445134137142996) * q + 3.754408661907416) * q +
      1);
  return p < 0.5 ? magnitude : -magnitude;
}
