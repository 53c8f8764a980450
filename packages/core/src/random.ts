/**
 * Counter-based randomness: Threefry-2x32, 20 rounds (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011;
 * the generator of JAX). A value depends only on a key and a counter, so nothing depends on who asks first: keys are
 * made from (seed, purpose, sample id, attack, restart, step) by `randomKey`, and each key owns a stream of its own.
 */

/** A 64-bit key, as two unsigned 32-bit words. */
export interface RandomKey {
  readonly high: number;
  readonly low: number;
}

/** A component of a key: a purpose ("apgd-start") or an integer (sample id, epoch, step), |integer| < 2^53. */
export type KeyPart = string | number;

const PARITY = 0x1bd11bda;
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;

/** The words of the last `threefry` call: returning an array would allocate once per two random numbers. */
const block = new Uint32Array(2);

/** Encrypts the counter (c0, c1) with the key (k0, k1) into `block`. */
function threefry(k0: number, k1: number, c0: number, c1: number): void {
  const keys = [k0, k1, k0 ^ k1 ^ PARITY];
  let x0 = (c0 + k0) | 0;
  let x1 = (c1 + k1) | 0;
  for (let group = 0; group < 5; group++) {
    const shift = (group & 1) * 4;
    for (let round = 0; round < 4; round++) {
      const rotation = ROTATIONS[shift + round];
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << rotation) | (x1 >>> (32 - rotation))) ^ x0;
    }
    x0 = (x0 + keys[(group + 1) % 3]) | 0;
    x1 = (x1 + keys[(group + 2) % 3] + group + 1) | 0;
  }
  block[0] = x0;
  block[1] = x1;
}

/** Threefry-2x32-20 of one counter; exposed for tests against the published known answers. */
export function threefry2x32(key: RandomKey, counterHigh: number, counterLow: number): [number, number] {
  threefry(key.high, key.low, counterHigh, counterLow);
  return [block[0], block[1]];
}

/** FNV-1a of the UTF-16 code units; two purposes must only be distinct, the cipher does the mixing. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** A key of `key`'s family for each part in turn; different paths give independent streams. */
export function foldIn(key: RandomKey, ...parts: KeyPart[]): RandomKey {
  let { high, low } = key;
  for (const part of parts) {
    // Text and integers live in different counter ranges: text has the top bit of the high word set.
    if (typeof part === 'string')
      threefry(high, low, 0x80000000 | (part.length & 0x7fffffff), hashText(part));
    else threefry(high, low, Math.floor(part / 2 ** 32) & 0x7fffffff, part | 0);
    high = block[0];
    low = block[1];
  }
  return { high, low };
}

/** The key of a seed (an integer, |seed| < 2^53) and a path, e.g. `randomKey(seed, 'apgd', sampleId, restart)`. */
export function randomKey(seed: number, ...parts: KeyPart[]): RandomKey {
  return foldIn({ high: 0, low: 0 }, seed, ...parts);
}

/** Draws from one key's stream, in order. Not shared: make one per sample and purpose. */
export class RandomStream {
  private readonly key: RandomKey;
  private counter = 0;
  private spareWord = 0;
  private hasSpareWord = false;
  private spareNormal = NaN;

  constructor(key: RandomKey) {
    this.key = key;
  }

  /** A uniform integer in [0, 2^32). */
  uint32(): number {
    if (this.hasSpareWord) {
      this.hasSpareWord = false;
      return this.spareWord;
    }
    threefry(this.key.high, this.key.low, Math.floor(this.counter / 2 ** 32), this.counter | 0);
    this.counter++;
    this.spareWord = block[1];
    this.hasSpareWord = true;
    return block[0];
  }

  /** A uniform number in [0, 1) with 24 bits, exact in float32. */
  uniform(): number {
    return (this.uint32() >>> 8) / 2 ** 24;
  }

  /** A uniform integer in [0, bound), bound <= 2^32; rejection keeps it unbiased. */
  integer(bound: number): number {
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let word = this.uint32();
    while (word >= limit) word = this.uint32();
    return word % bound;
  }

  /** A standard normal number (Box-Muller, in doubles). */
  normal(): number {
    if (!Number.isNaN(this.spareNormal)) {
      const spare = this.spareNormal;
      this.spareNormal = NaN;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log((this.uint32() + 0.5) / 2 ** 32));
    const angle = 2 * Math.PI * ((this.uint32() + 0.5) / 2 ** 32);
    this.spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** `count` uniform float32 numbers in [0, 1). */
  uniforms(count: number): Float32Array {
    return Float32Array.from({ length: count }, () => this.uniform());
  }

  /** `count` standard normal float32 numbers. */
  normals(count: number): Float32Array {
    return Float32Array.from({ length: count }, () => this.normal());
  }

  /** A uniform permutation of 0 .. count-1 (Fisher-Yates). */
  permutation(count: number): Uint32Array {
    const order = Uint32Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }
}

/** The stream of `randomKey(seed, ...parts)`. */
export function randomStream(seed: number, ...parts: KeyPart[]): RandomStream {
  return new RandomStream(randomKey(seed, ...parts));
}
