import { expect, test } from '@jest/globals';
import { threatModel, type EvaluateEvent, type EvaluationPart } from '@revat/robustbench';

import type { EvaluationJob } from './evaluation-job.js';
import { costOf, EvaluationMeter } from './evaluation-meter.js';

const clean: EvaluationPart = { kind: 'clean' };
const threat: EvaluationPart = {
  kind: 'threat',
  threatModel: threatModel({ norm: 'Linf', eps: 0.15, protocol: 'autoattack-standard' }),
};
const job = (rank: number): EvaluationJob => ({ network: 0, stage: 'clean', shard: { rank, count: 2 } });
const end = (part: EvaluationPart): EvaluateEvent => ({
  type: 'end',
  model: 'm',
  part,
  total: 50,
  correct: 10,
  seconds: 1,
});
const attack = (name: string, finished: number): EvaluateEvent => ({
  type: 'attack',
  model: 'm',
  part: threat,
  total: 50,
  done: 0,
  attack: name,
  attacked: 40,
  finished,
  broken: 0,
});

test('counts an image when all its parts are through, and moves forward within an attack', () => {
  const meter = new EvaluationMeter(costOf(clean) + costOf(threat));
  const [first, second] = [job(0), job(1)];
  meter.add(first, end(clean));
  const seen = [meter.images];
  for (const name of ['apgd-ce', 'apgd-t', 'fab-t', 'square'])
    for (const finished of [0, 20, 40]) {
      meter.add(first, attack(name, finished));
      seen.push(meter.images);
    }
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  expect(new Set(seen).size).toBeGreaterThan(6);
  meter.add(first, end(threat));
  expect(meter.images).toBe(50);
  meter.add(second, end(clean));
  meter.add(second, end(threat));
  expect(meter.images).toBe(100);
});
