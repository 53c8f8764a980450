import { spawnSync } from 'node:child_process';
import path from 'node:path';

import { expect, test } from '@jest/globals';

test('leaving the process while the engine computes off the main thread is no crash', () => {
  const script = path.join(__dirname, 'exit-during-run.mjs');
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  expect({ status, signal, stderr }).toEqual({ status: 130, signal: null, stderr: '' });
  expect(stdout).not.toContain('computed');
});
