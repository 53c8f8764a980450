import { RevatError, type NormName } from '@revat/core';

import { apgd } from './apgd.js';
import { apgdTargeted } from './apgd-t.js';
import type { SampleAttack } from './define-attack.js';
import { fab, fabTargeted } from './fab.js';
import { fgsm, nFgsm, rFgsm } from './fgsm.js';
import { pgd } from './pgd.js';
import { square } from './square.js';

/**
 * The attacks of each version of AutoAttack, in order and with the budgets of the public implementation
 * (Croce and Hein, ICML 2020; fra31/auto-attack, commit a392200).
 */
export const VERSIONS = ['standard', 'plus', 'rand', 'strong', 'custom'] as const;
export type Version = (typeof VERSIONS)[number];

/** One attack of a protocol under the name that results and random streams carry. */
export interface Stage {
  readonly name: string;
  readonly attack: SampleAttack;
}

/** An attack of a custom protocol: its name, and options other than norm and eps. Serialisable. */
export interface CustomStage {
  readonly name: string;
  readonly options?: Readonly<Record<string, unknown>>;
}

interface ThreatModel {
  readonly norm: NormName;
  readonly eps: number;
}

type StageMaker = (threat: ThreatModel, options?: Readonly<Record<string, unknown>>) => SampleAttack;

/** What a custom protocol can name: every attack, and APGD by its loss as the reference names it. */
const STAGE_MAKERS: Readonly<Record<string, StageMaker>> = {
  'apgd-ce': (threat, options) => apgd({ ...threat, ...options, loss: 'ce' }),
  'apgd-dlr': (threat, options) => apgd({ ...threat, ...options, loss: 'dlr' }),
  'apgd-t': (threat, options) => apgdTargeted({ ...threat, ...options }),
  fab: (threat, options) => fab({ ...threat, ...options }),
  'fab-t': (threat, options) => fabTargeted({ ...threat, ...options }),
  square: (threat, options) => square({ ...threat, ...options }),
  apgd: (threat, options) => apgd({ ...threat, ...options }),
  pgd: (threat, options) => pgd({ ...threat, ...options }),
  fgsm: (threat, options) => fgsm({ ...threat, ...options }),
  'r-fgsm': (threat, options) => rFgsm({ ...threat, ...options }),
  'n-fgsm': (threat, options) => nFgsm({ ...threat, ...options }),
};

/** The stages of a protocol. Throws 'unknown-name' or 'invalid-argument' for a custom stage that cannot be made. */
export function protocolStages(
  version: Version,
  threat: ThreatModel,
  custom: readonly CustomStage[],
): Stage[] {
  return stageList(version, threat.norm, custom).map(({ name, options }) => {
    const make = Object.hasOwn(STAGE_MAKERS, name) ? STAGE_MAKERS[name] : undefined;
    if (!make) {
      throw new RevatError(
        'unknown-name',
        `auto-attack: unknown attack "${name}". Use ${Object.keys(STAGE_MAKERS).join(', ')}.`,
      );
    }
    return { name, attack: make(threat, options) };
  });
}

function stageList(version: Version, norm: NormName, custom: readonly CustomStage[]): readonly CustomStage[] {
  switch (version) {
    case 'standard':
      return norm === 'L1' ? STANDARD_L1 : STANDARD;
    case 'plus':
      return PLUS;
    case 'rand':
      return RAND;
    case 'strong':
      return norm === 'L1' ? STRONG_L1 : STRONG;
    case 'custom':
      return custom;
  }
}

const STANDARD: readonly CustomStage[] = [
  { name: 'apgd-ce' },
  { name: 'apgd-t', options: { targets: 9 } },
  { name: 'fab-t', options: { targets: 9 } },
  { name: 'square', options: { queries: 5000 } },
];

const STANDARD_L1: readonly CustomStage[] = [
  { name: 'apgd-ce', options: { restarts: 5, largerRadii: true } },
  { name: 'apgd-t', options: { targets: 5, largerRadii: true } },
  { name: 'fab-t', options: { targets: 9 } },
  { name: 'square', options: { queries: 5000 } },
];

const PLUS: readonly CustomStage[] = [
  { name: 'apgd-ce', options: { restarts: 5 } },
  { name: 'apgd-dlr', options: { restarts: 5 } },
  { name: 'fab', options: { restarts: 5 } },
  { name: 'square', options: { queries: 5000 } },
  { name: 'apgd-t', options: { targets: 9 } },
  { name: 'fab-t', options: { targets: 9 } },
];

/** Every gradient averaged over 20 passes; no early exit, since one lucky prediction of a random model proves nothing. */
const RAND: readonly CustomStage[] = [
  { name: 'apgd-ce', options: { eotIterations: 20, stopWhenBroken: false } },
  { name: 'apgd-dlr', options: { eotIterations: 20, stopWhenBroken: false } },
];

/**
 * Not a version of the reference: as strong at less than a fifth of the passes, by many short runs that differ. Targets are
 * the classes with the nearest linearised boundary, not those with the largest logits (MALT: Melamed, Yehudai and Vardi, NeurIPS
 * 2024). Runs that come from larger radii find in every norm what runs inside the ball miss, an idea of "Mind the box" for L1
 * (Croce and Hein, ICML 2021). Margins between probabilities (Xie et al., 2024, arXiv:2411.15210) and starts in the corners
 * of the ball find in a few restarts what depends on the start. A little of FAB stays, as it works otherwise; Square is absent.
 */
const STRONG: readonly CustomStage[] = [
  { name: 'apgd-ce', options: { steps: 20, start: 'corners' } },
  {
    name: 'apgd-t',
    options: { steps: 50, targets: 4, targetOrder: 'linearity', largerRadii: true, firstRadius: 2 },
  },
  { name: 'apgd-t', options: { steps: 50, targets: 4, targetOrder: 'linearity' } },
  { name: 'fab-t', options: { steps: 50, targets: 2 } },
  { name: 'apgd', options: { loss: 'probability-margin', steps: 20, restarts: 9, start: 'corners' } },
];

/** In L1 the ascent is sparse, and which pixels it takes depends on the first radius and the loss more than on the steps. */
const STRONG_L1: readonly CustomStage[] = [
  { name: 'apgd-ce', options: { steps: 20, largerRadii: true } },
  {
    name: 'apgd-t',
    options: {
      loss: 'margin-targeted',
      steps: 40,
      targets: 4,
      targetOrder: 'linearity',
      largerRadii: true,
    },
  },
  { name: 'fab-t', options: { steps: 50, targets: 2 } },
  {
    name: 'apgd-t',
    options: { loss: 'margin-targeted', steps: 20, targets: 9, largerRadii: true, firstRadius: 8 },
  },
  { name: 'apgd-ce', options: { steps: 20, restarts: 8, largerRadii: true, firstRadius: 5 } },
  { name: 'apgd', options: { loss: 'probability-margin', steps: 30, restarts: 4, largerRadii: true } },
];
