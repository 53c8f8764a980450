import { beforeAll, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import path from 'node:path';

interface Run {
  readonly expected: number[];
  readonly actual: number[];
  readonly compiles: number;
  readonly fallbacks: Record<string, number>;
}

let runs: Record<string, Run>;

beforeAll(() => {
  const script = path.join(__dirname, 'layers-fit-losses.mjs');
  const output = execFileSync(process.execPath, [script], { stdio: ['ignore', 'pipe', 'ignore'] });
  runs = JSON.parse(output.toString()) as Record<string, Run>;
}, 240_000);

test.each(['sgd', 'adam'])(
  'fit of tfjs-layers with %s: the losses of the CPU backend, to 5 digits',
  (name) => {
    const { expected, actual, compiles, fallbacks } = runs[name];
    expect(actual).toHaveLength(50);
    actual.forEach((loss, i) => expect(Math.abs(loss / expected[i] - 1)).toBeLessThan(1e-5));
    // Two plans a run: the first step makes the optimiser's state.
    expect(compiles).toBeLessThanOrEqual(8);
    expect(fallbacks).toEqual({});
  },
);
