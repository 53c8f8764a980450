import os from 'node:os';

import { describe, expect, test } from '@jest/globals';

import { cacheBudget } from './machine.js';
import { describeMachine } from './machine-node.js';

const GIB = 2 ** 30;

test('the machine has cores and memory within those of the system', () => {
  const { cores, memoryBytes, platform } = describeMachine();
  expect(cores).toBeGreaterThanOrEqual(1);
  expect(cores).toBeLessThanOrEqual(os.availableParallelism());
  expect(memoryBytes).toBeGreaterThan(0.1 * GIB);
  expect(memoryBytes).toBeLessThanOrEqual(os.totalmem());
  expect(platform).toBe(`${process.platform} ${process.arch}`);
});

describe('the cache budget is a quarter of the memory within bounds', () => {
  test.each([
    [0.5, 0.25],
    [8, 2],
    [512, 16],
  ])('%p GiB of memory: %p GiB', (memory, budget) => {
    expect(cacheBudget({ ...describeMachine(), memoryBytes: memory * GIB })).toBe(budget * GIB);
  });
});
