import { spawn } from 'node:child_process';
import path from 'node:path';

import { describe, expect, test } from '@jest/globals';
import { randomStream } from '@revat/core';

import { evidenceFiles, withTemporaryFolder } from './temporary-folder.js';

const TIMEOUT_MS = 180_000;
const CHILD = path.join(__dirname, 'evaluate-in-child.mjs');

/** Runs the evaluation on a backend; kills it (SIGKILL) at the given event, `delay` ms later. Resolves to whether it finished. */
function evaluateInChild(
  out: string,
  backend: string,
  killAt = Infinity,
  delay = 0,
): Promise<{ finished: boolean; events: number }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CHILD, out, backend], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [events, errors] = [0, ''];
    child.stdout.on('data', (data: Buffer) => {
      const before = events;
      events += data.length;
      if (before < killAt && events >= killAt) setTimeout(() => child.kill('SIGKILL'), delay);
    });
    child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve({ finished: true, events });
      else if (signal === 'SIGKILL') resolve({ finished: false, events });
      else reject(new Error(`exit code ${code}: ${errors}`));
    });
  });
}

describe('an evaluation', () => {
  // On "onnx" a new process also starts with a new engine, which must compute the same digits as one that ran for long.
  test.each([
    ['cpu', 4],
    ['onnx', 3],
  ])(
    'on %s, killed again and again and resumed, leaves the bytes of one that ran through',
    async (backend, restarts) => {
      await withTemporaryFolder(async (folder) => {
        const whole = path.join(folder, 'whole');
        const { events } = await evaluateInChild(whole, backend);
        const expected = await evidenceFiles(whole);
        expect(Object.keys(expected)).toContain('convolutional/clean/journal.jsonl');

        const killed = path.join(folder, 'killed');
        const random = randomStream(0, 'kill-points', backend);
        let kills = 0;
        for (let i = 0; i < restarts; i++) {
          // Later runs have fewer events left: resumed chunks raise one each, attacks many.
          const killAt = 1 + random.integer(events / restarts);
          const { finished } = await evaluateInChild(killed, backend, killAt, random.integer(12));
          if (!finished) kills++;
        }
        expect(kills).toBeGreaterThan(restarts / 2);
        await evaluateInChild(killed, backend);
        expect(await evidenceFiles(killed)).toEqual(expected);
      });
    },
    TIMEOUT_MS,
  );
});
