import type { EvaluateEvent } from '@revat/robustbench';

import type { EvaluationJob } from './evaluation-job.js';

/** Roughly what the parts of an evaluation cost an image, in units of a short attack; only the time left depends on it. */
const PART_COSTS = { clean: 0.1, short: 1, 'radius-curve': 1, autoattack: 16 };
/** The same for the attacks of standard AutoAttack, as shares of the whole. */
const ATTACK_SHARES: Readonly<Record<string, number>> = {
  'apgd-ce': 0.05,
  'apgd-t': 0.3,
  'fab-t': 0.35,
  square: 0.3,
};

/** How far an evaluation is, in images: one counts in full when all its attacks are through. */
export class EvaluationMeter {
  private readonly finished = new Map<EvaluationJob, number>();
  private readonly running = new Map<EvaluationJob, number>();

  /** `cost`: of all parts of one job together, see `costOf`. */
  constructor(private readonly cost: number) {}

  add(job: EvaluationJob, event: EvaluateEvent): void {
    const cost = costOf(event.part);
    if (event.type === 'attack') {
      const done = event.attacked > 0 ? event.finished / event.attacked : 1;
      this.running.set(job, cost * event.total * progressWithin(event.attack, done));
    } else if (event.type === 'end') {
      this.running.delete(job);
      this.finished.set(job, (this.finished.get(job) ?? 0) + cost * event.total);
    }
  }

  get images(): number {
    const sum = (costs: Map<EvaluationJob, number>) => [...costs.values()].reduce((a, b) => a + b, 0);
    return Math.round((sum(this.finished) + sum(this.running)) / this.cost);
  }
}

export function costOf(part: EvaluateEvent['part']): number {
  if (part.kind !== 'threat') return PART_COSTS[part.kind];
  return part.threatModel.protocol.startsWith('autoattack') ? PART_COSTS.autoattack : PART_COSTS.short;
}

/** Share of AutoAttack that is done when `done` of an attack is; attacks come in the order of the table. */
function progressWithin(attack: string, done: number): number {
  const names = Object.keys(ATTACK_SHARES);
  const rank = names.indexOf(attack);
  if (rank < 0) return done;
  const before = names.slice(0, rank).reduce((sum, name) => sum + ATTACK_SHARES[name], 0);
  return before + ATTACK_SHARES[attack] * done;
}
