import { foldIn, randomKey, RandomStream, Xoshiro128, type KeyPart } from '@revat/core';

import { normalQuantiles } from './normal-quantiles.js';

/**
 * The random numbers that a transform consumes, in a fixed order. A stream of `seededDraws` in use; a script in the tests
 * that replay the reference's draws.
 */
export interface Draws {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** A uniform integer in [0, bound). */
  integer(bound: number): number;
  /** Standard normal. */
  normal(): number;
  /** Beta(alpha, beta), in [0, 1]. */
  beta(alpha: number, beta: number): number;
  /** Fills `out` with standard normal noise, of 65536 different values. */
  fillNormal(out: Float32Array): void;
}

/** Draws that depend on (seed, purpose, epoch, sample id, ...) alone: not on workers, batches or what was drawn before. */
export function seededDraws(seed: number, purpose: string, ...parts: KeyPart[]): Draws {
  return new StreamDraws(new RandomStream(foldIn(randomKey(seed, purpose), ...parts)));
}

/** The words behind the noise that is being drawn, two values each; kept because small patches come often. */
const noiseWords = new Uint32Array(4096);

class StreamDraws implements Draws {
  constructor(private readonly stream: RandomStream) {}

  uniform(): number {
    return this.stream.uniform();
  }

  integer(bound: number): number {
    return this.stream.integer(bound);
  }

  normal(): number {
    return this.stream.normal();
  }

  beta(alpha: number, beta: number): number {
    if (alpha === 1 && beta === 1) return this.uniform();
    const first = this.gamma(alpha);
    return first / (first + this.gamma(beta));
  }

  fillNormal(out: Float32Array): void {
    const quantiles = normalQuantiles();
    const state = [0, 1, 2, 3].map(() => this.stream.uint32());
    state[0] |= 1; // the state must not be all zero
    const generator = new Xoshiro128(state, '**');
    for (let start = 0; start < out.length; start += 2 * noiseWords.length) {
      const end = Math.min(start + 2 * noiseWords.length, out.length);
      generator.fill(noiseWords, Math.ceil((end - start) / 2));
      for (let i = start; i < end; i += 2) {
        const word = noiseWords[(i - start) >> 1];
        out[i] = quantiles[word & 0xffff];
        if (i + 1 < end) out[i + 1] = quantiles[word >>> 16];
      }
    }
  }

  /** Gamma(shape, 1): Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables", ACM TOMS 2000. */
  private gamma(shape: number): number {
    if (shape < 1) return this.gamma(shape + 1) * (1 - this.uniform()) ** (1 / shape);
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const v = (1 + c * x) ** 3;
      if (v <= 0) continue;
      if (Math.log(1 - this.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
    }
  }
}

/** A uniform number in [low, high), drawn as low + (high - low) * u. */
export function uniformBetween(draws: Draws, low: number, high: number): number {
  return low + (high - low) * draws.uniform();
}
