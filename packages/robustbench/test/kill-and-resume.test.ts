import { spawn } from 'node:child_process';
import path from 'node:path';

import { describe, expect, test } from '@jest/globals';
import { randomStream } from '@revat/core';

import { evidenceFiles, withTemporaryFolder } from './temporary-folder.js';

const CHILD = path.join(__dirname, 'evaluate-in-child.mjs');
const KILLS = 8;

/** Runs the evaluation; kills it (SIGKILL) at the given event, `delay` ms later. Resolves to whether it finished. */
function evaluateInChild(
  out: string,
  killAt = Infinity,
  delay = 0,
): Promise<{ finished: boolean; events: number }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CHILD, out], { stdio: ['ignore', 'pipe', 'pipe'] });
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
  test('killed again and again and resumed leaves the bytes of one that ran through', async () => {
    await withTemporaryFolder(async (folder) => {
      const whole = path.join(folder, 'whole');
      const { events } = await evaluateInChild(whole);
      const expected = await evidenceFiles(whole);
      expect(Object.keys(expected)).toContain('linear/clean/journal.jsonl');

      const killed = path.join(folder, 'killed');
      const random = randomStream(0, 'kill-points');
      let kills = 0;
      for (let i = 0; i < KILLS; i++) {
        // Later runs have fewer events left: resumed chunks raise one each, attacks many.
        const { finished } = await evaluateInChild(
          killed,
          1 + random.integer(events / 6),
          random.integer(12),
        );
        if (!finished) kills++;
      }
      expect(kills).toBeGreaterThan(KILLS / 2);
      await evaluateInChild(killed);
      expect(await evidenceFiles(killed)).toEqual(expected);
    });
  });
});
