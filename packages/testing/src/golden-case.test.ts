import { expect, test } from '@jest/globals';

import { nhwc } from './golden-case.js';

test('nhwc puts channels last: entry (n, c, y, x) goes to (n, y, x, c)', () => {
  const [n, c, h, w] = [2, 3, 2, 2];
  const values = Float32Array.from({ length: n * c * h * w }, (_, i) => i);
  const moved = nhwc(values, [n, c, h, w]);
  for (let i = 0; i < n; i++)
    for (let k = 0; k < c; k++)
      for (let y = 0; y < h; y++)
        for (let x = 0; x < w; x++)
          expect(moved[((i * h + y) * w + x) * c + k]).toBe(values[((i * c + k) * h + y) * w + x]);
});
