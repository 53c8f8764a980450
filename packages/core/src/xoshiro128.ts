/** How a word is made of the state: "++" adds and rotates twice, "**" multiplies and rotates. */
export type Xoshiro128Scrambler = '++' | '**';

/**
 * xoshiro128++ and xoshiro128** (Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", ACM TOMS 2021): words
 * in bulk for weights and noise, where encrypting a counter for every two words, as `RandomStream` does, would take longer
 * than all other work. Take the state from a RandomStream, so that the words depend on its key alone.
 */
export class Xoshiro128 {
  /** @param state four words, not all zero */
  constructor(
    private state: readonly number[],
    private readonly scrambler: Xoshiro128Scrambler,
  ) {}

  /** Writes the next `count` words to the beginning of `words`. In blocks, because a call a word costs as much as the word. */
  fill(words: Uint32Array, count = words.length): void {
    const adds = this.scrambler === '++';
    // As integers from the start: numbers of unknown kind would slow down the whole loop.
    let a = this.state[0] | 0;
    let b = this.state[1] | 0;
    let c = this.state[2] | 0;
    let d = this.state[3] | 0;
    for (let i = 0; i < count; i++) {
      words[i] = adds ? (rotateLeft((a + d) | 0, 7) + a) | 0 : Math.imul(rotateLeft(Math.imul(b, 5), 7), 9);
      const shifted = b << 9;
      c ^= a;
      d ^= b;
      b ^= c;
      a ^= d;
      c ^= shifted;
      d = rotateLeft(d, 11);
    }
    this.state = [a, b, c, d];
  }
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
