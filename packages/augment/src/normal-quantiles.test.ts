import { expect, test } from '@jest/globals';

import { normalQuantile } from './normal-quantiles.js';

// From tables of the normal distribution.
test.each([
  [0.5, 0],
  [0.975, 1.959963984540054],
  [0.025, -1.959963984540054],
  [0.999, 3.090232306167813],
  [1e-5, -4.264890793922825],
  [0.8413447460685429, 1],
])('normalQuantile(%p)', (p, x) => {
  expect(normalQuantile(p)).toBeCloseTo(x, 9);
});
