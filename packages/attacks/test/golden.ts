/** The golden cases of this folder (see golden/README.md), or of the one that REVAT_REFERENCE names. */
import { join } from 'node:path';

import { readGoldenCase, type GoldenCase } from '@revat/testing';

export { nhwc } from '@revat/testing';

export const GOLDEN_FOLDER = process.env.REVAT_REFERENCE ?? join(__dirname, 'golden');

/** The golden case of that name, e.g. "02_projections". */
export function golden(name: string): GoldenCase {
  return readGoldenCase(GOLDEN_FOLDER, name);
}
