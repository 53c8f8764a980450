/** The networks and images of the golden cases. */
import { readGoldenImages, readGoldenNetwork, type GoldenImages, type GoldenNetwork } from '@revat/testing';

import { GOLDEN_FOLDER } from './golden.js';

export type { GoldenNetwork };

/** Network "A1" (clean training) or "A2" (adversarial training). The caller disposes it. */
export function goldenNetwork(name: 'A1' | 'A2'): GoldenNetwork {
  return readGoldenNetwork(GOLDEN_FOLDER, name);
}

/** All 500 test images, or those of the given indices. */
export function goldenImages(indices?: readonly number[]): GoldenImages {
  return readGoldenImages(GOLDEN_FOLDER, indices);
}
