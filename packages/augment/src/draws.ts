import { foldIn, randomKey, RandomStream, type KeyPart } from '@revat/core';

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
    const nextWord = xoshiro128([0, 1, 2, 3].map(() => this.stream.uint32()));
    for (let i = 0; i < out.length; i += 2) {
      const word = nextWord();
      out[i] = quantiles[word & 0xffff];
      if (i + 1 < out.length) out[i + 1] = quantiles[word >>> 16];
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

/**
 * xoshiro128** (Blackman and Vigna, ACM TOMS 2021) from a state of four words: for noise in bulk, where encrypting a counter
 * for every two words would take longer than all other work on the image.
 */
function xoshiro128([a, b, c, d]: number[]): () => number {
  a |= 1;
  return () => {
    const product = Math.imul(b, 5);
    const word = Math.imul((product << 7) | (product >>> 25), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return word;
  };
}

/** A uniform number in [low, high), drawn as low + (high - low) * u. */
export function uniformBetween(draws: Draws, low: number, high: number): number {
  return low + (high - low) * draws.uniform();
}
