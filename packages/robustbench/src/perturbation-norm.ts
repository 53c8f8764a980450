import type { NormName } from '@revat/core';

/** Norm of the difference of two images of equal length, summed in double precision, to 8 digits. */
export function perturbationNorm(clean: Float32Array, adversarial: Float32Array, norm: NormName): number {
  let sum = 0;
  for (let i = 0; i < clean.length; i++) {
    const change = Math.abs(adversarial[i] - clean[i]);
    if (norm === 'Linf') sum = Math.max(sum, change);
    else sum += norm === 'L2' ? change * change : change;
  }
  return Number((norm === 'L2' ? Math.sqrt(sum) : sum).toPrecision(8));
}
