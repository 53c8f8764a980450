import { apgd, apgdTargeted, type Attack } from '@revat/attacks';

import { RevatError } from '@revat/core';
import type { Protocol, ThreatModel } from './threat-model.js';

type AttackFactory = (ball: Pick<ThreatModel, 'norm' | 'eps'>) => Attack;

const FACTORIES: Readonly<Record<Protocol, AttackFactory>> = {
  'autoattack-standard': () => unavailable(),
  'autoattack-plus': () => unavailable(),
  'autoattack-rand': () => unavailable(),
  apgdt: (ball) => apgdTargeted({ ...ball, steps: 40, targets: 3 }),
  'apgd-ce': (ball) => apgd({ ...ball, steps: 20, loss: 'ce' }),
};

function unavailable(): never {
  throw new RevatError('unavailable', 'AutoAttack is not in @revat/attacks yet. Use apgdt.');
}

/** The attack that a protocol stands for, with its options resolved. */
export function protocolAttack({
  norm,
  eps,
  protocol,
}: Pick<ThreatModel, 'norm' | 'eps' | 'protocol'>): Attack {
  return FACTORIES[protocol]({ norm, eps });
}
