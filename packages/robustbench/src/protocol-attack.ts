import { apgd, apgdTargeted, autoAttack, type Attack } from '@revat/attacks';

import type { Protocol, ThreatModel } from './threat-model.js';

type AttackFactory = (ball: Pick<ThreatModel, 'norm' | 'eps'>) => Attack;

const FACTORIES: Readonly<Record<Protocol, AttackFactory>> = {
  'autoattack-standard': (ball) => autoAttack({ ...ball, version: 'standard' }),
  'autoattack-plus': (ball) => autoAttack({ ...ball, version: 'plus' }),
  'autoattack-rand': (ball) => autoAttack({ ...ball, version: 'rand' }),
  apgdt: (ball) => apgdTargeted({ ...ball, steps: 40, targets: 3 }),
  'apgd-ce': (ball) => apgd({ ...ball, steps: 20, loss: 'ce' }),
};

/** The attack that a protocol stands for, with its options resolved. */
export function protocolAttack({
  norm,
  eps,
  protocol,
}: Pick<ThreatModel, 'norm' | 'eps' | 'protocol'>): Attack {
  return FACTORIES[protocol]({ norm, eps });
}
