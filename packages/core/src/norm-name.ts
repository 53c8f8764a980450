import { RevatError } from './errors.js';

/** The three threat models of the paper: balls in Linf, L2 and L1 around the clean image, intersected with [0, 1]. */
export type NormName = 'Linf' | 'L2' | 'L1';

export const NORM_NAMES: readonly NormName[] = ['Linf', 'L2', 'L1'];

/** The norm of that name, in any letter case; `where` names the option in the error. Throws 'unknown-name'. */
export function parseNorm(text: string, where = 'norm'): NormName {
  const norm = NORM_NAMES.find((name) => name.toLowerCase() === text.toLowerCase());
  if (norm) return norm;
  throw new RevatError(
    'unknown-name',
    `${where}: unknown norm "${text}". Use one of ${NORM_NAMES.join(', ')}.`,
  );
}
