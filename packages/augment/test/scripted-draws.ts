import type { Draws } from '../src/draws.js';

/** One draw of the reference: its kind, its parameters, and what came out. */
export type ScriptedDraw = readonly [string, ...number[]];

/** Draws that replay the reference's, checking that each is asked for in the same order with the same parameters. */
export class ScriptedDraws implements Draws {
  private next = 0;

  constructor(
    private readonly script: readonly ScriptedDraw[],
    /** Integers drawn before the script: the choice of operations. */
    private readonly integers: number[] = [],
    private readonly noise: Float32Array = new Float32Array(0),
  ) {}

  get exhausted(): boolean {
    return this.next === this.script.length && this.integers.length === 0;
  }

  uniform(): number {
    const draw = this.take('random', 'rand', 'uniform');
    return draw[0] === 'uniform' ? draw[3] : draw[1];
  }

  integer(bound: number): number {
    const chosen = this.integers.shift();
    if (chosen !== undefined) return chosen;
    const draw = this.take('randint_inclusive', 'randint_half_open');
    const inclusive = draw[0] === 'randint_inclusive';
    const expected = inclusive ? draw[2] - draw[1] + 1 : draw[2] - draw[1];
    if (bound !== expected) throw new Error(`an integer below ${bound} instead of ${expected}`);
    return (inclusive ? draw[4] : draw[3]) - draw[1];
  }

  normal(): number {
    return this.take('gauss')[3];
  }

  beta(alpha: number, beta: number): number {
    const draw = this.take('beta');
    if (draw[1] !== alpha || draw[2] !== beta)
      throw new Error(`Beta(${alpha}, ${beta}) instead of ${draw.join(' ')}`);
    return draw[3];
  }

  fillNormal(out: Float32Array): void {
    out.set(this.noise.subarray(0, out.length));
  }

  private take(...kinds: string[]): ScriptedDraw {
    const draw = this.script[this.next++];
    if (!draw) throw new Error(`draw ${this.next} (${kinds.join('/')}) is not in the script`);
    if (!kinds.includes(draw[0])) throw new Error(`draw ${this.next} is ${draw[0]}, not ${kinds.join('/')}`);
    return draw;
  }
}
