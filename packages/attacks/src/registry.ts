import { RevatError, type NormName } from '@revat/core';

import { apgd } from './apgd.js';
import { apgdTargeted } from './apgd-t.js';
import type { Attack } from './attack.js';
import { autoAttack } from './auto-attack.js';
import { fab, fabTargeted } from './fab.js';
import { fgsm, nFgsm, rFgsm } from './fgsm.js';
import type { OptionSchema } from './option-schema.js';
import { pgd } from './pgd.js';
import { square } from './square.js';

/** All attacks by name: what documentation, the command line and sweeps iterate over. */
export interface AttackEntry {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** What the attack needs: the model's gradients, or only its logits. */
  readonly access: 'white-box' | 'black-box';
  /** The paper. */
  readonly source: string;
  readonly norms: readonly NormName[];
  readonly schema: OptionSchema;
}

interface Factory {
  (options: never): Attack;
  readonly definition: AttackEntry;
}

const FACTORIES: readonly Factory[] = [
  fgsm,
  rFgsm,
  nFgsm,
  pgd,
  apgd,
  apgdTargeted,
  fab,
  fabTargeted,
  square,
  autoAttack,
];

export function attackNames(): string[] {
  return FACTORIES.map(({ definition }) => definition.name);
}

/** What is known of the attack of that name. Throws 'unknown-name'. */
export function attackDefinition(name: string): AttackEntry {
  return factoryOf(name).definition;
}

/** The attack of that name with those options: what its own factory returns. Throws 'unknown-name' or 'invalid-argument'. */
export function createAttack(name: string, options: object): Attack {
  return factoryOf(name)(options as never);
}

function factoryOf(name: string): Factory {
  const factory = FACTORIES.find(({ definition }) => definition.name === name);
  if (factory) return factory;
  throw new RevatError(
    'unknown-name',
    `attacks: unknown attack "${name}". Known attacks: ${attackNames().join(', ')}.`,
  );
}
