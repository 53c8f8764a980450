import { createHash } from 'node:crypto';

import { threatModel, type ThreatModel } from '@revat/robustbench';
import {
  parseRecipe,
  QUICKSTART_EPS,
  quickstartRecipe,
  recipeHash,
  type FolderOwner,
  type Recipe,
} from '@revat/train';

/** What decides the numbers of a quickstart. */
export interface QuickstartSettings {
  /** ConvStem and PatchStem, 200 images, standard AutoAttack in all three norms. */
  readonly full: boolean;
  readonly seed: number;
}

/** A network of the quickstart and the recipe that trains it. */
export interface QuickstartNetwork {
  readonly stem: 'conv' | 'patch';
  /** "ConvNeXt + ConvStem", as in the paper's tables. */
  readonly label: string;
  readonly recipe: Recipe;
}

/** File in the run folder that says whose it is. */
export const QUICKSTART_FILE = 'quickstart.json';

/** Compiled graphs of one engine; all that a job of the quickstart needs are below 100 MiB, and several engines share 2 GB. */
export const QUICKSTART_CACHE_BYTES = 128 * 2 ** 20;

/** Radii of the norms that training did not see; for images of 32 x 32 as strong as the paper's 2 and 75 for 224 x 224. */
const UNSEEN_RADII = { L2: 3, L1: 48 } as const;

const STEM_LABELS = { conv: 'ConvNeXt + ConvStem', patch: 'ConvNeXt + PatchStem' } as const;

/** The networks to train and attack: the paper's ConvStem, and with --full also the PatchStem it is compared with. */
export function quickstartNetworks({ full, seed }: QuickstartSettings): QuickstartNetwork[] {
  const stems = full ? (['conv', 'patch'] as const) : (['conv'] as const);
  return stems.map((stem) => ({
    stem,
    label: STEM_LABELS[stem],
    recipe: parseRecipe(quickstartRecipe({ stem, seed })),
  }));
}

/** Test images to attack. */
export function quickstartImages({ full }: QuickstartSettings): number {
  return full ? 200 : 100;
}

/** Linf as trained on, under standard AutoAttack; L2 and L1 unseen, by default under the paper's shorter APGD-T. */
export function quickstartThreatModels({ full }: QuickstartSettings): ThreatModel[] {
  const unseen = full ? 'autoattack-standard' : 'apgdt';
  return [
    threatModel({ norm: 'Linf', eps: 2 * QUICKSTART_EPS, protocol: 'autoattack-standard', seen: true }),
    threatModel({ norm: 'L2', eps: UNSEEN_RADII.L2, protocol: unseen }),
    threatModel({ norm: 'L1', eps: UNSEEN_RADII.L1, protocol: unseen }),
  ];
}

/** Growing radii for the curves, up to twice the radius of the threat model. */
export const QUICKSTART_CURVE_RADII = {
  Linf: [0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3],
  L2: [0.5, 1, 2, 3, 4, 6],
  L1: [8, 16, 32, 48, 64, 96],
} as const;

/** The identity of the run folder: another seed or --full is another run. */
export function quickstartOwner(settings: QuickstartSettings): FolderOwner {
  const parts = [
    ...quickstartNetworks(settings).map(({ recipe }) => recipeHash(recipe)),
    ...quickstartThreatModels(settings).map(({ id }) => id),
    quickstartImages(settings),
  ];
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
  return { name: settings.full ? 'quickstart --full' : 'quickstart', hash, file: QUICKSTART_FILE, settings };
}
